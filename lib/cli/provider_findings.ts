// Whether the services that a downstream sends users to, and asks keys of, answer.
import type { StrategyConfig } from "../config/config.ts";
import type { Finding } from "./downstream_findings.ts";
import type { ProbeTools } from "./mcp_probe.ts";
import { describeNetworkError } from "../http/network_error.ts";

/** Empty when there is nothing to ask. */
export async function providerFindings(party: StrategyConfig, tools: ProbeTools): Promise<Finding[]> {
  switch (party.kind) {
    case "passthrough":
      return party.verifyUrl === undefined ? [] : [await verifyFinding(new URL(party.verifyUrl), tools)];
    case "chained_oauth":
      return party.provider === undefined
        ? []
        : [await reachFinding("oauth_token_url", party.provider.tokenUrl, tools)];
    case "login":
      return []; // its providers are looked at once, not per downstream
  }
}

async function verifyFinding(url: URL, tools: ProbeTools): Promise<Finding> {
  return await askFinding(
    "verify_url",
    url,
    tools,
    (status) =>
      status >= 200 && status < 300
        ? {
          level: "problem",
          text:
            `verify_url answers ${status} without a key, so it can't tell a wrong one; use a URL that needs the key`,
        }
        : status === 401 || status === 403
        ? { level: "ok", text: `verify_url refuses a missing key (${status})` }
        : {
          level: "warning",
          text: `verify_url answers ${status} without a key; only 401 and 403 show the form again`,
        },
  );
}

async function reachFinding(key: string, url: string, tools: ProbeTools): Promise<Finding> {
  return await askFinding(
    key,
    new URL(url),
    tools,
    (status) =>
      status >= 500
        ? { level: "warning", text: `${key} answers ${status}: it is there, and it fails` }
        : { level: "ok", text: `${key} answers` },
  );
}

async function askFinding(
  key: string,
  url: URL,
  { fetch, timeoutMs }: ProbeTools,
  judge: (status: number) => Finding,
): Promise<Finding> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    await response.body?.cancel();
    return judge(response.status);
  } catch (error) {
    return { level: "problem", text: `${key}: ${await describeNetworkError(error, url, timeoutMs)}` };
  }
}

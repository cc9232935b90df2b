// Whether the services that users are sent to, and keys are asked of, answer.
import type { ProviderConfig, StrategyConfig } from "../config/config.ts";
import type { Finding } from "./downstream_findings.ts";
import type { ProbeTools } from "./mcp_probe.ts";
import { describeNetworkError } from "./network_error.ts";

/** Of `[provider.*]`, or of a downstream's own service. Empty when there is nothing to ask. */
export async function providerFindings(party: ProviderConfig | StrategyConfig, tools: ProbeTools): Promise<Finding[]> {
  switch (party.kind) {
    case "passthrough":
      return party.verifyUrl === undefined ? [] : [await verifyFinding(new URL(party.verifyUrl), tools)];
    case "chained_oauth":
      return party.provider === undefined
        ? []
        : [await reachFinding("oauth_token_url", party.provider.tokenUrl, tools)];
    case "oidc":
      return [await issuerFinding(party.issuer ?? "", tools)];
    case "google":
      return [await issuerFinding("https://accounts.google.com", tools)];
    case "entra":
      return [await issuerFinding(`https://login.microsoftonline.com/${party.tenant}/v2.0`, tools)];
    case "github":
      return [await reachFinding("api_url", party.apiUrl ?? "https://api.github.com", tools)];
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

/** OpenID Connect Discovery §4.3: the document says the issuer that it was asked for. */
async function issuerFinding(issuer: string, tools: ProbeTools): Promise<Finding> {
  const url = new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  return await askFinding("issuer", url, tools, (status, said) => {
    if (status !== 200) {
      return { level: "problem", text: `issuer has no OpenID configuration at ${url.href} (${status})` };
    }
    return said === undefined ||
        (said !== issuer && !said.includes("{tenantid}") && !issuer.includes("microsoftonline"))
      ? { level: "problem", text: `issuer calls itself ${JSON.stringify(said)}; write exactly that` }
      : { level: "ok", text: "issuer answers" };
  });
}

async function askFinding(
  key: string,
  url: URL,
  { fetch, timeoutMs }: ProbeTools,
  judge: (status: number, issuer: string | undefined) => Finding,
): Promise<Finding> {
  try {
    const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    return judge(response.status, issuerOf(await response.text()));
  } catch (error) {
    return { level: "problem", text: `${key}: ${await describeNetworkError(error, url, timeoutMs)}` };
  }
}

function issuerOf(text: string): string | undefined {
  try {
    const document: unknown = JSON.parse(text);
    const issuer = typeof document === "object" && document !== null && "issuer" in document
      ? document.issuer
      : undefined;
    return typeof issuer === "string" ? issuer : undefined;
  } catch {
    return undefined; // not JSON, so it names no issuer
  }
}

// What a probe means for one downstream, and what to write in the configuration.
import type { LoginConfig, Resource } from "../config/config.ts";
import { describeNetworkError } from "../http/network_error.ts";
import { type Probed, probeMcpServer, type ProbeTools } from "./mcp_probe.ts";
import { type FoundOAuth, probeOAuth } from "./oauth_probe.ts";

export interface Finding {
  level: "ok" | "warning" | "problem";
  text: string;
}

const ok = (text: string): Finding => ({ level: "ok", text });
const warning = (text: string): Finding => ({ level: "warning", text });
const problem = (text: string): Finding => ({ level: "problem", text });

/** Probes the MCP server of a resource that has one. */
export async function downstreamFindings(resource: Resource, url: URL, tools: ProbeTools): Promise<Finding[]> {
  const probed = await probeMcpServer(url, credentialHeaders(resource), tools);
  switch (probed.kind) {
    case "unreachable":
      return [problem(await describeNetworkError(probed.error, url, tools.timeoutMs))];
    case "redirect":
      return [redirectFinding(probed, url)];
    case "other":
      return [problem(describeOther(probed, url))];
    case "mcp":
      return [ok(`speaks MCP ${probed.versions.join(", ")}${printName(probed.name)}`), ...openFindings(resource)];
    case "legacy_sse":
      return [ok("speaks the old HTTP+SSE transport of 2024-11-05; that works here too"), ...openFindings(resource)];
    case "refused":
      return await refusedFindings(resource, probed, url, tools);
  }
}

/** Only a login downstream has a credential before a user comes. */
function credentialHeaders({ strategy, authHeaderFormat: format }: Resource): Record<string, string> {
  const credential = strategy.kind === "login" ? strategy.credential?.reveal() : undefined;
  if (credential === undefined) return {};
  return ["Bearer", "token", "Basic"].includes(format)
    ? { authorization: `${format} ${credential}` }
    : { [format]: credential };
}

function redirectFinding({ location }: Probed & { kind: "redirect" }, url: URL): Finding {
  if (!URL.canParse(location, url)) return problem("redirects, but not to a URL");
  const { origin, pathname } = new URL(location, url); // its query may hold anything, and is none of ours
  const target = origin + pathname;
  return problem(
    `redirects to ${target}, and redirects are not followed because they would carry the credential along; ` +
      `if that is the MCP server, write downstream_url = ${JSON.stringify(target)}`,
  );
}

function describeOther({ status, contentType }: Probed & { kind: "other" }, url: URL): string {
  if (contentType === "text/html" && status < 400) {
    return `answers with a web page and not with MCP: is the path right? Many servers are at ${url.origin}/mcp`;
  }
  if (status === 404 || status === 405) {
    return `has no MCP server at ${url.pathname} (${status}): is the path right? Common ones are /mcp and /sse`;
  }
  if (status >= 500) return `answers ${status}: it is there, and it fails`;
  return `answers ${status} (${contentType || "no content type"}), which is not MCP: is the URL right?`;
}

function printName(name: string | undefined): string {
  return name === undefined ? "" : ` and calls itself ${JSON.stringify(name)}`;
}

/** It answered without a user's credential. */
function openFindings({ strategy, downstreamUrl }: Resource): Finding[] {
  switch (strategy.kind) {
    case "passthrough":
      return [warning(
        "answers without any key, so it lets in whoever reaches it, and a wrong key goes unnoticed" +
          (strategy.verifyUrl === undefined ? '; set verify_url, or protect it with strategy = "login"' : ""),
      )];
    case "chained_oauth":
      return strategy.provider === undefined
        ? [
          problem(
            'asks for no OAuth, so there is nothing to discover; give it all four oauth_* keys, or use strategy = "login"',
          ),
        ]
        : [warning("answers without a token; make sure that only the proxy reaches it")];
    case "login":
      return strategy.credential === undefined && downstreamUrl !== undefined
        ? [warning("answers without a token; make sure that only the proxy reaches it")]
        : [];
  }
}

async function refusedFindings(
  resource: Resource,
  { status, challenge }: Probed & { kind: "refused" },
  url: URL,
  tools: ProbeTools,
): Promise<Finding[]> {
  const oauth = await probeOAuth(url, challenge, tools);
  const { strategy } = resource;
  switch (strategy.kind) {
    case "passthrough":
      return oauth === undefined ? [ok(`wants a key (${status})`)] : [warning(
        `protects itself with OAuth at ${oauth.issuer}; pasted keys work only if it takes those too, ` +
          'otherwise write strategy = "chained_oauth"',
      )];
    case "chained_oauth":
      return strategy.provider === undefined ? [discoveryFinding(oauth)] : [ok(`wants a token (${status})`)];
    case "login":
      return [loginRefusal(strategy, status)];
  }
}

function discoveryFinding(oauth: FoundOAuth | undefined): Finding {
  const byHand = "register a client there and give all four oauth_* keys";
  if (oauth === undefined) return problem(`wants a credential but announces no OAuth (RFC 9728); ${byHand}`);
  if (!oauth.hasMetadata) return problem(`names ${oauth.issuer}, whose metadata can't be read (RFC 8414); ${byHand}`);
  if (!oauth.takesNewClients) {
    return problem(`names ${oauth.issuer}, which does not let clients register themselves; ${byHand}`);
  }
  return ok(`protects itself with OAuth at ${oauth.issuer}, where we can register`);
}

function loginRefusal({ credential }: LoginConfig, status: number): Finding {
  return credential === undefined
    ? ok(`wants a token (${status}); it gets ours, so it has to trust our JWKS`)
    : problem(`refuses the configured credential (${status}); look at credential and auth_header_format`);
}

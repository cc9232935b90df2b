// Whether an MCP server is protected by OAuth itself, and whether we could register at its authorization server.
import type { ProbeTools } from "./mcp_probe.ts";

export interface FoundOAuth {
  /** RFC 9728: the first authorization server that it names. */
  issuer: string;
  /** RFC 8414 metadata was found. */
  hasMetadata: boolean;
  /** CIMD or RFC 7591: no client has to be registered by hand. */
  takesNewClients: boolean;
}

/** @param challenge WWW-Authenticate of its 401; @returns undefined when it announces no OAuth */
export async function probeOAuth(url: URL, challenge: string, tools: ProbeTools): Promise<FoundOAuth | undefined> {
  const named = /resource_metadata="([^"]+)"/i.exec(challenge)?.[1];
  const places = [...(named === undefined ? [] : [named]), ...wellKnown(url, "oauth-protected-resource")];
  const resource = await firstDocument(places, tools);
  const servers = resource?.authorization_servers;
  const issuer = Array.isArray(servers) && typeof servers[0] === "string" && URL.canParse(servers[0])
    ? servers[0]
    : undefined;
  if (issuer === undefined) return undefined;
  const metadata = await firstDocument([
    ...wellKnown(new URL(issuer), "oauth-authorization-server"),
    ...wellKnown(new URL(issuer), "openid-configuration"),
    `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
  ], tools);
  return {
    issuer,
    hasMetadata: metadata !== undefined,
    takesNewClients: metadata?.client_id_metadata_document_supported === true ||
      metadata?.registration_endpoint !== undefined,
  };
}

/** With the path behind the well-known part (RFC 8414 §3.1, RFC 9728 §3.1), then without. */
function wellKnown(url: URL, suffix: string): string[] {
  const path = url.pathname.replace(/\/$/, "");
  const root = `${url.origin}/.well-known/${suffix}`;
  return path === "" ? [root] : [root + path, root];
}

async function firstDocument(
  places: readonly string[],
  tools: ProbeTools,
): Promise<Record<string, unknown> | undefined> {
  for (const place of places) {
    const document = await fetchDocument(place, tools);
    if (document !== undefined) return document;
  }
  return undefined;
}

async function fetchDocument(
  place: string,
  { fetch, timeoutMs }: ProbeTools,
): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(place, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return undefined;
    }
    const document: unknown = await response.json();
    return typeof document === "object" && document !== null ? { ...document } : undefined;
  } catch {
    return undefined; // not there, or not JSON: the next place may have it
  }
}

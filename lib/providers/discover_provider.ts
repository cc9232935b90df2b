// From the URL of a protected MCP server to its provider: the 401 challenge, the protected resource metadata (RFC 9728), the
// authorization server's metadata. What the server says is a stranger's word: see DiscoveryTools.isLocal.
import { parseChallenge } from "../oauth/bearer.ts";
import { parseScope } from "../oauth/scope.ts";
import type { ProviderFetch, ProviderRequest } from "./provider_fetch.ts";
import {
  checkUrl,
  DiscoveryError,
  type DiscoveryTools,
  fetchDocument,
  fetchServerMetadata,
  scopesOf,
  type ServerMetadata,
  stringsOf,
} from "./server_metadata.ts";

export interface DiscoveredProvider {
  server: ServerMetadata;
  /** The `resource` that tokens are to be for (RFC 8707). */
  resource: string;
  /** `scope` of the challenge: what the MCP server wants now. */
  challengedScope?: readonly string[];
  /** `scopes_supported` of the protected resource metadata. */
  advertisedScope?: readonly string[];
}

export interface DownstreamDiscoveryTools extends DiscoveryTools {
  /** To the MCP server itself, whose URL the operator wrote; need not read bodies, which may be streams without an end. */
  downstreamFetch: ProviderFetch;
}

/** @throws DiscoveryError, ProviderUnreachableError */
export async function discoverProvider(
  tools: DownstreamDiscoveryTools,
  downstreamUrl: string,
): Promise<DiscoveredProvider> {
  const downstream = new URL(downstreamUrl);
  const challenge = await askForChallenge(tools, downstream);
  const metadata = await fetchResourceMetadata(tools, downstream, challenge.resource_metadata);
  const issuer = stringsOf(metadata?.authorization_servers)?.[0] ??
    // MCP 2025-03-26: before RFC 9728 the MCP server's own origin was the issuer.
    downstream.origin;
  const challengedScope = parseScope(challenge.scope);
  const advertisedScope = metadata === undefined ? undefined : scopesOf(metadata);
  return {
    server: await fetchServerMetadata(tools, issuer),
    // Without the query (RFC 8707 §2), which may hold a key of the operator's: users see this, and another server gets it.
    resource: metadata === undefined ? withoutQuery(downstream).replace(/\/$/, "") : String(metadata.resource),
    ...(challengedScope.length === 0 ? {} : { challengedScope }),
    ...(advertisedScope === undefined ? {} : { advertisedScope }),
  };
}

/** What a client would send first, and, for servers that let anybody in so far, what it would send next. */
const firstMessages = [
  {
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "mcp-oauth-proxy", version: "0" },
    },
  },
  { method: "tools/list", params: {} },
].map((message) => JSON.stringify({ jsonrpc: "2.0", id: 1, ...message }));

/** Empty where the server lets anybody in, or refuses in a way that says nothing. */
async function askForChallenge(
  { downstreamFetch }: DownstreamDiscoveryTools,
  downstream: URL,
): Promise<Record<string, string | undefined>> {
  const accept = "application/json, text/event-stream";
  const headers = { accept, "content-type": "application/json" };
  const requests: ProviderRequest[] = [
    ...firstMessages.map((body) => ({ method: "POST" as const, headers, body })),
    // The legacy transport takes its first request by GET (MCP 2024-11-05).
    { method: "GET", headers: { accept: "text/event-stream" } },
  ];
  for (const request of requests) {
    const { status, headers: answered } = await downstreamFetch(downstream, request);
    if (status === 401) return { ...parseChallenge(answered.get("www-authenticate")) };
  }
  return {};
}

/**
 * From the URL of the challenge, else from the well-known places: with the path, then at the root (MCP, 2026-07-28).
 *
 * @throws DiscoveryError when a document is not about this MCP server
 */
async function fetchResourceMetadata(
  tools: DiscoveryTools,
  downstream: URL,
  challenged: string | undefined,
): Promise<Record<string, unknown> | undefined> {
  const path = downstream.pathname.replace(/\/$/, "");
  const wellKnown = "/.well-known/oauth-protected-resource";
  const places = challenged !== undefined
    ? [checkUrl(challenged, "resource_metadata", tools)]
    : [...new Set([wellKnown + path, wellKnown])].map((place) => new URL(place, downstream.origin));
  for (const place of places) {
    const document = await fetchDocument(tools, place);
    if (document === undefined) continue;
    if (!coversResource(document.resource, downstream)) {
      throw new DiscoveryError(`${place.href} is about another resource than ${withoutQuery(downstream)}`);
    }
    return document;
  }
  if (challenged !== undefined) throw new DiscoveryError(`there is no metadata at ${challenged}`);
  return undefined;
}

function withoutQuery({ origin, pathname }: URL): string {
  return origin + pathname;
}

/**
 * The same origin, and the same path or one above it: many servers name their origin as the resource (RFC 9728 §3.3 asks for
 * identity, MCP clients ask for this).
 */
function coversResource(resource: unknown, downstream: URL): boolean {
  if (typeof resource !== "string" || !URL.canParse(resource)) return false;
  const { origin, pathname } = new URL(resource);
  const above = pathname.endsWith("/") ? pathname : `${pathname}/`;
  return origin === downstream.origin && `${downstream.pathname}/`.startsWith(above);
}

// What an authorization server says of itself: RFC 8414 and OpenID Connect Discovery, at the places and in the order that the
// MCP specification gives (authorization server discovery, 2026-07-28).
import { isLocalAddress, type ProviderFetch } from "./provider_fetch.ts";

export interface ServerMetadata {
  issuer: string;
  authorizeUrl: string;
  tokenUrl: string;
  registrationUrl?: string;
  revocationUrl?: string;
  /** RFC 9207 §3. */
  sendsIssuer: boolean;
  readsMetadataDocuments: boolean;
  /** `token_endpoint_auth_methods_supported`; absent means client_secret_basic (RFC 8414 §2). */
  authenticationMethods?: readonly string[];
  scopesSupported: readonly string[];
}

/** A document that we must not or can't go by. For the operator's log. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
}

export interface DiscoveryTools {
  fetch: ProviderFetch;
  /** The downstream is on the operator's own network, so http and private addresses may be named. */
  isLocal: boolean;
}

/**
 * The metadata of `issuer`, from the first place that has a document.
 *
 * @throws DiscoveryError when no place has one, or it is not this issuer's, or it lacks PKCE with S256; ProviderUnreachableError
 */
export async function fetchServerMetadata(tools: DiscoveryTools, issuer: string): Promise<ServerMetadata> {
  const issuerUrl = checkUrl(issuer, "issuer", tools);
  for (const place of wellKnownPlaces(issuerUrl)) {
    const document = await fetchDocument(tools, place);
    if (document !== undefined) return readServerMetadata(document, issuer, tools);
  }
  throw new DiscoveryError(`${issuer} publishes no metadata (RFC 8414, OpenID Connect Discovery)`);
}

/** A JSON object from a URL; undefined where there is none. */
export async function fetchDocument(
  { fetch }: DiscoveryTools,
  url: URL,
): Promise<Record<string, unknown> | undefined> {
  const { status, body } = await fetch(url, { method: "GET", headers: { accept: "application/json" } });
  if (status !== 200) return undefined;
  try {
    const document: unknown = JSON.parse(body);
    return typeof document === "object" && document !== null && !Array.isArray(document)
      ? document as Record<string, unknown>
      : undefined;
  } catch {
    return undefined; // a page of HTML at every path: as good as nothing
  }
}

/**
 * A URL that metadata named, if it may be asked or shown to a browser at all.
 *
 * @throws DiscoveryError unless it is https, or the downstream itself is local
 */
export function checkUrl(value: unknown, name: string, { isLocal }: { isLocal: boolean }): URL {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !["https:", "http:"].includes(url.protocol)) {
    throw new DiscoveryError(`${name} is not an http or https URL`);
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    throw new DiscoveryError(`${name} must not hold user information or a fragment`);
  }
  if (!isLocal && isLocalAddress(url)) {
    throw new DiscoveryError(`${name} ${url.origin} is not https at a public address, while the MCP server is public`);
  }
  return url;
}

/** `{host}/.well-known/…{path}`, and for OpenID Connect also `{path}/.well-known/…`. */
function wellKnownPlaces(issuer: URL): URL[] {
  const path = issuer.pathname.replace(/\/$/, "");
  const places = [`/.well-known/oauth-authorization-server${path}`, `/.well-known/openid-configuration${path}`];
  if (path !== "") places.push(`${path}/.well-known/openid-configuration`);
  return places.map((place) => new URL(place, issuer.origin));
}

function readServerMetadata(document: Record<string, unknown>, issuer: string, tools: DiscoveryTools): ServerMetadata {
  if (!isSameIssuer(document.issuer, issuer)) {
    throw new DiscoveryError(`the metadata of ${issuer} names another issuer`);
  }
  if (!stringsOf(document.code_challenge_methods_supported)?.includes("S256")) {
    throw new DiscoveryError(`${issuer} does not say that it supports PKCE with S256`);
  }
  const endpoint = (name: string) => checkUrl(document[name], name, tools).href;
  const optional = (name: string) => document[name] === undefined ? undefined : endpoint(name);
  const registrationUrl = optional("registration_endpoint");
  const revocationUrl = optional("revocation_endpoint");
  const authenticationMethods = stringsOf(document.token_endpoint_auth_methods_supported);
  return {
    issuer: document.issuer as string,
    authorizeUrl: endpoint("authorization_endpoint"),
    tokenUrl: endpoint("token_endpoint"),
    ...(registrationUrl === undefined ? {} : { registrationUrl }),
    ...(revocationUrl === undefined ? {} : { revocationUrl }),
    sendsIssuer: document.authorization_response_iss_parameter_supported === true,
    readsMetadataDocuments: document.client_id_metadata_document_supported === true,
    ...(authenticationMethods === undefined ? {} : { authenticationMethods }),
    scopesSupported: scopesOf(document) ?? [],
  };
}

/**
 * Identical, or one could speak for another (RFC 8414 §3.3). Only the slash after a bare host is forgiven: libraries that
 * normalise URLs add it to one of the two places, and both spellings lead to the same document.
 */
function isSameIssuer(found: unknown, expected: string): boolean {
  const bare = (issuer: string) => issuer.replace(/^(https?:\/\/[^/]+)\/$/, "$1");
  return typeof found === "string" && bare(found) === bare(expected);
}

/** The strings in a list; undefined when there is no list. */
export function stringsOf(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

/** Characters of all scopes together: they are asked for in a URL, and travel in our tokens. */
const maxScopeLength = 16_384;

/** `scopes_supported`, as many as fit into a request; undefined when there is no list. */
export function scopesOf(document: Record<string, unknown>): string[] | undefined {
  let length = 0;
  return stringsOf(document.scopes_supported)?.filter((scope) => (length += scope.length + 1) <= maxScopeLength);
}

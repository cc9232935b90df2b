// What a client says about itself (RFC 7591 §2): defaults and rules shared by registration and metadata documents.
import { OAuthError } from "./errors.ts";

export type TokenEndpointAuthMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";

export interface ClientMetadata {
  /** Cleaned for showing; absent when the client gave none. */
  clientName?: string;
  /** One to ten, as the client wrote them; whether they may be used is for the operator's policy to say. */
  redirectUris: readonly string[];
  /** Those we know of what was asked; always with `authorization_code`. */
  grantTypes: readonly string[];
  tokenEndpointAuthMethod: TokenEndpointAuthMethod;
  /** A `private_key_jwt` client that lists `none` as well: it may come without an assertion. */
  orNone: boolean;
  /** For `private_key_jwt` exactly one of the two: a JWK Set as JSON text, or the https URL of one. */
  jwks?: string;
  jwksUri?: string;
  /** Echoed, without effect: both kinds get the same rules (OpenID Connect Registration §2). */
  applicationType?: "native" | "web";
}

const knownGrantTypes = ["authorization_code", "refresh_token"];
const knownMethods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
/** http for loopback only, which the fetch then refuses unless the operator allowed it. */
const jwksUriForm = /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/])[^\s#\\]+$/i;
const maxRedirectUris = 10;
const maxNameLength = 80;
/** An assertion that names none is tried with all of them. */
const maxKeys = 32;

/**
 * Reads client metadata. Members we don't know are ignored, `null` counts as absent, and grant or response types we don't
 * have are left out instead of refused (RFC 7591 §2, §3.2.1): clients ask for more than they need.
 *
 * @throws OAuthError `invalid_client_metadata`, or `invalid_redirect_uri` when there are no redirect URIs
 */
export function parseClientMetadata(value: unknown): ClientMetadata {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("must be a JSON object");
  const metadata = value as Record<string, unknown>;
  readStrings(metadata, "response_types");
  const clientName = cleanName(readString(metadata, "client_name") ?? "");
  const applicationType = readString(metadata, "application_type");
  return {
    ...(clientName === "" ? {} : { clientName }),
    redirectUris: readRedirectUris(metadata),
    grantTypes: readGrantTypes(metadata),
    ...readAuthentication(metadata),
    ...(applicationType === "native" || applicationType === "web" ? { applicationType } : {}),
  };
}

/**
 * A name that a stranger chose, fit for a page: one line without control, format (bidirectional overrides, zero width) or
 * unassigned characters, at most 80 characters.
 */
export function cleanName(name: string): string {
  const plain = name.slice(0, 1000).normalize("NFC").replace(/[\s\p{Z}]+/gu, " ").replace(/\p{C}/gu, "");
  const characters = [...plain.replace(/(\p{M}{2})\p{M}+/gu, "$1").trim()];
  return characters.length <= maxNameLength
    ? characters.join("")
    : `${characters.slice(0, maxNameLength - 1).join("")}…`;
}

function readRedirectUris(metadata: Record<string, unknown>): string[] {
  const uris = [...new Set(readStrings(metadata, "redirect_uris") ?? [])];
  if (uris.length === 0) throw new OAuthError("invalid_redirect_uri", "redirect_uris must name at least one URI");
  if (uris.length > maxRedirectUris) {
    throw new OAuthError("invalid_redirect_uri", `redirect_uris must name at most ${maxRedirectUris} URIs`);
  }
  return uris;
}

function readGrantTypes(metadata: Record<string, unknown>): string[] {
  const asked = readStrings(metadata, "grant_types") ?? knownGrantTypes;
  return knownGrantTypes.filter((grantType) => grantType === "authorization_code" || asked.includes(grantType));
}

type Authentication = Pick<ClientMetadata, "tokenEndpointAuthMethod" | "orNone" | "jwks" | "jwksUri">;

/**
 * RFC 7591 §2 makes `client_secret_basic` the default. MCP clients that leave the method out are public ones, so here it is `none`.
 * `token_endpoint_auth_methods_supported` is OpenID Connect RP Metadata Choices: the server picks.
 */
function readAuthentication(metadata: Record<string, unknown>): Authentication {
  const listed = readStrings(metadata, "token_endpoint_auth_methods_supported") ?? [];
  const preferred = readString(metadata, "token_endpoint_auth_method") ?? listed.find(isKnownMethod) ?? "none";
  const method = isKnownMethod(preferred) ? preferred : listed.find(isKnownMethod);
  if (method === undefined) {
    throw invalid(`token_endpoint_auth_method must be one of ${knownMethods.join(", ")}`);
  }
  if (method !== "private_key_jwt") return { tokenEndpointAuthMethod: method, orNone: false };
  return { tokenEndpointAuthMethod: method, orNone: listed.includes("none"), ...readKeys(metadata) };
}

function isKnownMethod(method: string): method is TokenEndpointAuthMethod {
  return knownMethods.includes(method);
}

/** RFC 7591 §2: `jwks_uri` and `jwks` must not both be present. */
function readKeys(metadata: Record<string, unknown>): { jwks: string } | { jwksUri: string } {
  const jwksUri = readString(metadata, "jwks_uri");
  const jwks = metadata.jwks ?? undefined;
  if ((jwksUri === undefined) === (jwks === undefined)) {
    throw invalid("private_key_jwt needs either jwks or jwks_uri, and not both");
  }
  if (jwksUri !== undefined) {
    if (!jwksUriForm.test(jwksUri) || !URL.canParse(jwksUri)) throw invalid("jwks_uri must be an https URL");
    return { jwksUri };
  }
  checkJwks(jwks);
  return { jwks: JSON.stringify({ keys: jwks.keys.map(withoutNested) }) };
}

/**
 * No member of a public key is nested deeper than a list of texts, and what we don't know is to be ignored (RFC 7517 §4). A
 * stranger's 30,000 brackets in one would cost Bun 0.3 s to write down.
 */
function withoutNested(key: Record<string, unknown>): Record<string, unknown> {
  const isFlat = (value: unknown) => typeof value !== "object" || value === null;
  return Object.fromEntries(
    Object.entries(key).filter(([, value]) => isFlat(value) || (Array.isArray(value) && value.every(isFlat))),
  );
}

/**
 * A JWK Set of public keys (RFC 7517 §5).
 *
 * @throws OAuthError `invalid_client_metadata`
 */
export function checkJwks(jwks: unknown): asserts jwks is { keys: Record<string, unknown>[] } {
  const keys = typeof jwks === "object" && jwks !== null && "keys" in jwks ? jwks.keys : undefined;
  const isKey = (key: unknown) => typeof key === "object" && key !== null && !Array.isArray(key);
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKey)) {
    throw invalid('jwks must be a JWK Set: {"keys": [...]} with at least one key');
  }
  if (keys.length > maxKeys) throw invalid(`jwks must hold at most ${maxKeys} keys`);
  if (keys.some((key) => "d" in key || "k" in key)) {
    throw invalid("jwks must hold public keys only; it has a private one");
  }
}

function readString(metadata: Record<string, unknown>, name: string): string | undefined {
  const value = metadata[name] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw invalid(`${name} must be a string`);
  return value === "" ? undefined : value;
}

function readStrings(metadata: Record<string, unknown>, name: string): string[] | undefined {
  const value = metadata[name] ?? undefined;
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    const code = name === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata";
    throw new OAuthError(code, `${name} must be an array of strings`);
  }
  return value;
}

function invalid(what: string): OAuthError {
  return new OAuthError("invalid_client_metadata", what.startsWith("must") ? `client metadata ${what}` : what);
}

// Clients whose client_id is the https URL of their own metadata (draft-ietf-oauth-client-id-metadata-document-00).
import { type ClientMetadata, parseClientMetadata } from "../oauth/client_metadata.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Client } from "./client.ts";
import { createDocumentSource, type DocumentSourceTools } from "./document_source.ts";
import { type RedirectPolicy, splitRedirects } from "./redirect_policy.ts";

/** What the draft recommends as a maximum (§6.6). */
const maxBytes = 5_120;
const maxUrlLength = 1_000;
const loopbackHosts = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** True for a client_id that can only be the URL of a document. */
export function isClientIdUrl(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}

/**
 * Finds clients by the URL of their document.
 *
 * @throws OAuthError (from the function returned) `invalid_client`, saying what is wrong with the URL or the document;
 * `temporarily_unavailable` when it can't be fetched
 */
export function createClientIdMetadataDocuments(
  tools: DocumentSourceTools & { policy: RedirectPolicy; allowLoopbackHttp: boolean },
): (clientId: string) => Promise<Client> {
  const documents = createDocumentSource(tools, {
    what: "client metadata document",
    maxBytes,
    allowLoopbackHttp: tools.allowLoopbackHttp,
    parse: parseDocument,
  });
  return async (clientId) => {
    const url = parseClientIdUrl(clientId, tools.allowLoopbackHttp);
    const metadata = await documents.get(clientId);
    return {
      clientId,
      name: metadata.clientName ?? url.host,
      ...splitRedirects(tools.policy, metadata.redirectUris),
      source: "metadata_document",
      verifiedHost: url.host,
      trusted: false,
      authentication: metadata.tokenEndpointAuthMethod === "private_key_jwt"
        ? { method: "private_key_jwt", orNone: metadata.orNone, jwks: metadata.jwks, jwksUri: metadata.jwksUri }
        : { method: "none" },
    };
  };
}

/**
 * The URL of a client_id as §3 wants it: https, a path, no `.` or `..` segment, no fragment, no user information. It must be
 * spelled as a URL parser would print it, so that everybody who reads it fetches and shows the same.
 *
 * @throws OAuthError `invalid_client`
 */
export function parseClientIdUrl(clientId: string, allowLoopbackHttp = false): URL {
  if (clientId.length > maxUrlLength) throw badUrl(`must not be longer than ${maxUrlLength} characters`);
  if (!/^[\x21-\x7E]+$/.test(clientId) || !URL.canParse(clientId)) throw badUrl("must be a valid URL");
  const url = new URL(clientId);
  if (url.protocol !== "https:" && !(allowLoopbackHttp && loopbackHosts.has(url.hostname))) {
    throw badUrl(
      "must start with https://",
      loopbackHosts.has(url.hostname) ? "[clients]\nallow_loopback_metadata = true" : undefined,
    );
  }
  if (url.username !== "" || url.password !== "") throw badUrl("must not have a user name or password");
  if (clientId.includes("#")) throw badUrl("must not have a fragment");
  if (/\/\.{1,2}(?=[/?]|$)/.test(clientId.replace(/%2e/gi, ".").split("?")[0]!)) {
    throw badUrl("must not have . or .. as a path segment");
  }
  if (url.pathname === "/") throw badUrl("must have a path, such as https://example.com/client.json");
  // In front of the query a URL parser turns a backslash around, in the query it does not.
  if (url.search.includes("\\")) throw badUrl("must not have a backslash");
  if (url.href !== clientId) throw badUrl(`must be written as ${url.href}`);
  return url;
}

/** §4.1. The redirect URIs are judged later, each by itself: a document may list some that are for other servers. */
function parseDocument(value: unknown, url: string): ClientMetadata {
  const document = typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
  if (document.client_id !== url) {
    const found = typeof document.client_id === "string" ? JSON.stringify(document.client_id.slice(0, 200)) : "missing";
    throw badDocument(url, `client_id must be exactly the URL of the document; it is ${found}`);
  }
  for (const name of ["client_secret", "client_secret_expires_at"]) {
    if (document[name] !== undefined) throw badDocument(url, `it must not have ${name}`);
  }
  const metadata = readMetadata(value, url);
  if (metadata.clientName === undefined) throw badDocument(url, "client_name is missing");
  if (metadata.tokenEndpointAuthMethod.startsWith("client_secret")) {
    throw badDocument(
      url,
      "token_endpoint_auth_method must be none or private_key_jwt; a public document can't hold a secret",
    );
  }
  return metadata;
}

function readMetadata(value: unknown, url: string): ClientMetadata {
  try {
    return parseClientMetadata(value);
  } catch (error) {
    throw error instanceof OAuthError ? badDocument(url, error.message) : error;
  }
}

function badUrl(what: string, operatorHint?: string): OAuthError {
  return new OAuthError("invalid_client", `a client_id that is a URL ${what}`, { operatorHint });
}

function badDocument(url: string, what: string): OAuthError {
  return new OAuthError("invalid_client", `the client metadata document at ${url} is not usable: ${what}`);
}

// An OAuthError becomes a response here and nowhere else: JSON (RFC 6749 §5.2), a page, or a challenge (RFC 6750 §3).
import type { Resource } from "../config/config.ts";
import { printChallenge } from "../oauth/bearer.ts";
import { OAuthError } from "../oauth/errors.ts";
import { printScope } from "../oauth/scope.ts";
import { errorPage } from "../pages/error.ts";
import { contentSecurityPolicy } from "../pages/layout.ts";
import { noStore, pageHeaders, publicCors } from "./response_headers.ts";

/** What the client is told: our own refusals as they are, anything else as a `server_error` without detail. */
export function asOAuthError(error: unknown): OAuthError {
  return error instanceof OAuthError
    ? error
    : new OAuthError("server_error", "something went wrong inside; the operator's log has the details", {
      cause: error,
    });
}

/** RFC 6749 §5.2, RFC 7591 §3.2.2; a description has no quotes, no backslashes and nothing outside ASCII. */
export function jsonError(error: OAuthError, { basicAuthentication = false } = {}): Response {
  const headers = new Headers({ ...noStore, ...publicCors, ...retryAfter(error) });
  if (error.status === 401 && basicAuthentication) headers.set("www-authenticate", 'Basic realm="mcp-oauth-proxy"');
  const description = error.message.replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, "'");
  return Response.json({ error: error.code, error_description: description }, { status: error.status, headers });
}

/** A page for a person, where the redirect URI can't be trusted yet or there is none. */
export async function pageError(
  error: OAuthError,
  { requestId, fromClient }: { requestId: string; fromClient: boolean },
): Promise<Response> {
  const ours = error.status >= 500;
  const page = await errorPage({
    title: error.code === "temporarily_unavailable"
      ? "Not possible at the moment"
      : ours
      ? "Something went wrong here"
      : "This request can't go on",
    message: sentence(error.message),
    advice: ours
      ? "Try again in a moment. If it stays like this, tell the person who runs this server and give them the request id."
      : fromClient
      ? "Nothing was sent anywhere. Start again from your MCP client; if it stays like this, the client or this server's configuration has to change."
      : "Nothing was changed. Go back to the page that you came from and try again.",
    ...(error.operatorHint === undefined ? {} : { operatorHint: error.operatorHint }),
    requestId,
  });
  return new Response(page, {
    status: error.status === 401 ? 400 : error.status,
    headers: { ...pageHeaders(contentSecurityPolicy), ...retryAfter(error) },
  });
}

/**
 * RFC 6750 §3, RFC 9728 §5.1: says where to find out how to get a token, and which scopes to ask for: those the request needs,
 * else all `supported` ones. No `error` when no token was sent.
 */
export function challengeResponse(
  error: OAuthError,
  resource: Resource,
  { tokenSent = true, supported = resource.scopes }: { tokenSent?: boolean; supported?: readonly string[] } = {},
): Response {
  const scope = error.scope ?? supported.filter((each) => each !== "offline_access");
  const challenge = printChallenge({
    ...(tokenSent ? { error: error.code, error_description: error.message } : {}),
    ...(scope.length === 0 ? {} : { scope: printScope(scope) }),
    resource_metadata: resource.urls.protectedResourceMetadata,
  });
  return Response.json({ error: error.code, error_description: error.message }, {
    status: error.status,
    headers: { ...noStore, "www-authenticate": challenge },
  });
}

function retryAfter(error: OAuthError): Record<string, string> {
  return error.retryAfterSeconds === undefined ? {} : { "retry-after": String(error.retryAfterSeconds) };
}

function sentence(text: string): string {
  // The name of a parameter stays as it is written.
  const start = /^[a-z]+_/.test(text) ? text.charAt(0) : text.charAt(0).toUpperCase();
  return start + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

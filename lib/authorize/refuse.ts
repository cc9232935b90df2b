// A refusal on its way back to the client, once its redirect URI is trusted (RFC 6749 §4.1.2.1).
import type { Resource } from "../config/config.ts";
import { asOAuthError } from "../http/error_responses.ts";
import { errorRedirect } from "../oauth/authorization_response.ts";
import type { Log } from "../telemetry/log.ts";
import { redirectWith } from "./redirect.ts";

/** The codes that the authorization endpoint may answer with; anything else is our own trouble to the client. */
const sendable = new Set([
  "invalid_request",
  "unauthorized_client",
  "access_denied",
  "unsupported_response_type",
  "invalid_scope",
  "invalid_target",
  "server_error",
  "temporarily_unavailable",
]);

export function refuse(
  log: Log,
  resource: Resource,
  refusal: { thrown: unknown; redirectUri: string; state: string | undefined; setCookies?: readonly string[] },
): Response {
  const error = asOAuthError(refusal.thrown);
  const { redirectUri, state } = refusal;
  log[error.code === "server_error" ? "error" : "info"]("authorization_refused", {
    resource: resource.name,
    error: error.code,
    reason: error.message,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
  const location = errorRedirect({
    redirectUri,
    issuer: resource.urls.issuer,
    error: sendable.has(error.code) ? error.code : "server_error",
    description: error.message,
    ...(state === undefined ? {} : { state }),
  });
  return redirectWith(location, refusal.setCookies);
}

// What a provider's failure means to the client, in our own words; and what the operator's log says of it.
import { OAuthError } from "../oauth/errors.ts";
import type { ProviderClient } from "../providers/oauth_client.ts";
import type { TokenAnswer } from "../providers/token_response.ts";
import type { Fields } from "../telemetry/log.ts";

type Failure = Exclude<TokenAnswer, { kind: "tokens" }>;

/** When a provider that is down says nothing about how long. */
const defaultRetryAfterSeconds = 5;

/** `invalid_grant` is RFC 6749 §5.2; the other is what GitHub says instead. Nothing else ends a grant. */
const endsAccess = new Set(["invalid_grant", "bad_refresh_token"]);

/** The provider sent the browser back with an error (RFC 6749 §4.1.2.1). */
export function authorizationRefusal(error: string): OAuthError {
  switch (error) {
    case "access_denied":
      return new OAuthError("access_denied", "the user did not sign in at the provider, or did not allow the access");
    case "temporarily_unavailable":
      return new OAuthError("temporarily_unavailable", "the provider is not available now; try again later");
    default:
      return new OAuthError("server_error", "the provider refused the sign-in; the operator's log says why", {
        cause: /^\w{1,64}$/.test(error) ? error : "unreadable_error",
      });
  }
}

/** The provider gave no tokens for its code. */
export function exchangeFailure(answer: Failure): OAuthError {
  return answer.kind === "unavailable"
    ? new OAuthError("temporarily_unavailable", "the provider did not answer; try again later")
    : new OAuthError("server_error", "the provider gave no token; the operator's log says why");
}

/**
 * The provider gave no tokens for its refresh token. Only `invalid_grant` ends the client's grant.
 *
 * @param registersAnew the provider has forgotten us and the next sign-in registers us again, so signing in again helps
 */
export function refreshFailure(answer: Failure, { registersAnew }: { registersAnew: boolean }): OAuthError {
  if (registersAnew || (answer.kind === "refused" && endsAccess.has(answer.error))) {
    return new OAuthError("invalid_grant", "the provider has ended the access; the user must re-authorize");
  }
  const retryAfterSeconds = (answer.kind === "unavailable" ? answer.retryAfterSeconds : undefined) ??
    defaultRetryAfterSeconds;
  return new OAuthError("temporarily_unavailable", "the provider could not refresh the access now; try again", {
    retryAfterSeconds,
  });
}

/** For the log: where, what, and the provider's own words without anything that may be a secret. */
export function describeFailure(provider: ProviderClient, answer: Failure, secrets: readonly string[]): Fields {
  const { authentication, tokenUrl } = provider;
  const all = authentication.method === "none" ? secrets : [...secrets, authentication.secret.reveal()];
  return {
    provider: new URL(tokenUrl).host,
    ...(answer.kind === "refused"
      ? {
        error: answer.error,
        ...(answer.description === undefined ? {} : { description: redact(answer.description, all) }),
      }
      : { reason: answer.reason }),
  };
}

/** Leaves out what we sent as secrets, everything that looks like a token, and control characters; 300 characters at most. */
function redact(text: string, secrets: readonly string[]): string {
  let redacted = text;
  for (const secret of secrets) redacted = redacted.replaceAll(secret, "[secret]");
  return redacted.replace(/[A-Za-z0-9_\-.~+/=%]{20,}/g, (run) => /\d/.test(run) ? "[…]" : run)
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1F\x7F]/g, " ").slice(0, 300);
}

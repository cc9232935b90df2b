// The OAuth part that every provider shares: the code for tokens, the refresh token for new ones, failures in our three kinds.
import type { Parameters } from "../oauth/parameters.ts";
import {
  exchangeCode,
  type ProviderCall,
  type ProviderClient,
  readAuthorizationAnswer,
  refreshTokens,
} from "./oauth_client.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderTokens, TokenAnswer } from "./token_response.ts";

/** Errors in which the provider says no to this user (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
const userRefusals = new Set([
  "access_denied",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
]);

/** A refresh token that is no longer good: RFC 6749 §5.2, GitHub's word for it, and a provider that wants the user to come. */
const endsAccess = new Set([
  "invalid_grant",
  "bad_refresh_token",
  "interaction_required",
  "login_required",
  "consent_required",
]);

/**
 * The tokens for what the browser brought back.
 *
 * @throws ProviderError `refused` when the user or the provider said no, `broken` when the answer is not from that provider
 */
export async function redeemAnswer(
  call: ProviderCall,
  client: ProviderClient,
  { answer, redirectUri, codeVerifier }: { answer: Parameters; redirectUri: string; codeVerifier: string },
): Promise<ProviderTokens> {
  const { code } = readAnswer(client, answer);
  const tokens = await exchangeCode(call, client, { code, redirectUri, codeVerifier });
  if (tokens.kind === "tokens") return tokens.tokens;
  throw failure(client, tokens, "the code was not redeemed", () => "broken");
}

/** @throws ProviderError `refused` when the refresh token is no longer good */
export async function renewTokens(
  call: ProviderCall,
  client: ProviderClient,
  refreshToken: string,
): Promise<ProviderTokens> {
  const tokens = await refreshTokens(call, client, refreshToken);
  if (tokens.kind === "tokens") return tokens.tokens;
  throw failure(client, tokens, "the refresh was not done", (error) => endsAccess.has(error) ? "refused" : "broken");
}

function readAnswer(client: ProviderClient, answer: Parameters): { code: string } {
  let read;
  try {
    read = readAuthorizationAnswer(client, answer);
  } catch (cause) {
    throw new ProviderError("broken", "the provider's answer could not be trusted", { cause });
  }
  if (read.kind === "code") return read;
  if (read.error === "temporarily_unavailable") throw new ProviderError("unavailable", "the provider said so itself");
  const error = /^\w{1,64}$/.test(read.error) ? read.error : "unreadable_error";
  throw new ProviderError(
    userRefusals.has(error) ? "refused" : "broken",
    `the provider sent the browser back with ${error}`,
  );
}

function failure(
  { tokenUrl }: ProviderClient,
  answer: Exclude<TokenAnswer, { kind: "tokens" }>,
  what: string,
  kindOf: (error: string) => "refused" | "broken",
): ProviderError {
  const place = `${new URL(tokenUrl).host}: ${what}`;
  switch (answer.kind) {
    case "refused":
      return new ProviderError(kindOf(answer.error), `${place}, ${answer.error}`);
    case "unavailable":
      return new ProviderError("unavailable", `${place}, ${answer.reason}`, {
        retryAfterSeconds: answer.retryAfterSeconds,
      });
    case "unreadable":
      return new ProviderError("broken", `${place}, ${answer.reason}`);
  }
}

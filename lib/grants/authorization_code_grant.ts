// grant_type=authorization_code (RFC 6749 §4.1.3): the code for its tokens, once.
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import { checkResource } from "../oauth/authorization_request.ts";
import { OAuthError } from "../oauth/errors.ts";
import { type Parameters, requireParameter } from "../oauth/parameters.ts";
import { checkPkce } from "../oauth/pkce.ts";
import { isRegisteredRedirectUri } from "../oauth/redirect_uri.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Store } from "../store/store.ts";
import type { Strategies } from "../strategies/create_strategy.ts";
import { openAuthorizationCode } from "../tokens/authorization_code.ts";
import { revokedUntil } from "../tokens/grant_lifetime.ts";
import { randomId } from "../tokens/random_id.ts";
import { issueTokens, type IssueTools, type TokenResponse } from "./issue_tokens.ts";

export interface CodeGrantTools extends IssueTools {
  store: Store;
  revocations: Revocations;
  strategies: Strategies;
}

/**
 * A failed redemption spends nothing, so a client that made a mistake can mend it; a second successful one revokes what the
 * first was given, because one of the two is a thief (RFC 6749 §4.1.2, §10.5).
 *
 * @throws OAuthError `invalid_request`, `invalid_grant`, `invalid_target`
 */
export async function redeemCode(
  tools: CodeGrantTools,
  resource: Resource,
  { client, parameters }: { client: Client; parameters: Parameters },
): Promise<{ grantId: string; response: TokenResponse }> {
  const codeText = requireParameter(parameters, "code");
  const codeVerifier = requireParameter(parameters, "code_verifier");
  const code = openAuthorizationCode(tools.sealer, codeText);
  const { grant } = code;
  if (grant.resource !== resource.urls.resource) {
    throw new OAuthError("invalid_grant", "the authorization code was issued for another resource");
  }
  if (grant.clientId !== client.clientId) {
    throw new OAuthError("invalid_grant", "the authorization code was issued to another client");
  }
  // OAuth 2.1 no longer sends redirect_uri here; when it is sent it must be the same (RFC 6749 §4.1.3).
  if (parameters.redirect_uri !== undefined && parameters.redirect_uri !== code.redirectUri) {
    throw new OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request");
  }
  // The code went there under the policy of then.
  if (!isRegisteredRedirectUri(code.redirectUri, client.redirectUris)) {
    throw new OAuthError("invalid_grant", "the redirect URI that the code was sent to is not allowed any more");
  }
  checkResource(parameters.resource, resource.urls.resource);
  checkPkce(codeVerifier, code.codeChallenge);
  // Asked before the code is taken: whoever redeems it at the same time revokes the grant, and one of them is to have it.
  const hasEnded = await tools.revocations.isRevoked(grant.id, { askNow: true });
  if (await tools.store.putIfAbsent(`code:${code.id}`, "spent", code.expiresAt) !== undefined) {
    await tools.revocations.revoke(grant.id, revokedUntil(tools.lifetimes, tools.now()));
    throw new OAuthError("invalid_grant", "the authorization code was already used; its tokens have been revoked");
  }
  const strategy = tools.strategies.of(resource);
  if (hasEnded) {
    await strategy.revoke?.(grant);
    throw new OAuthError("invalid_grant", "access was revoked; the user must authorize again");
  }
  await strategy.keep?.(grant, tools.now());
  const response = await issueTokens(tools, resource, { grant, scope: grant.scope, refreshTokenId: randomId() });
  return { grantId: grant.id, response };
}

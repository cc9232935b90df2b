// A grant becomes a token response (RFC 6749 §5.1).
import type { Resource, TokensConfig } from "../config/config.ts";
import type { Grant } from "../oauth/grant.ts";
import { printScope } from "../oauth/scope.ts";
import type { AccessTokens } from "../tokens/access_token.ts";
import { sealRefreshToken } from "../tokens/refresh_token.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface TokenResponse {
  access_token: string;
  token_type: "Bearer";
  /** Seconds. */
  expires_in: number;
  refresh_token: string;
  scope?: string;
}

export interface IssueTools {
  accessTokens: AccessTokens;
  sealer: Sealer;
  lifetimes: TokensConfig;
  now: () => number;
}

/** Access and refresh token for a grant; `scope` may be narrower than the grant's, the refresh token keeps the grant's. */
export async function issueTokens(
  tools: IssueTools,
  resource: Resource,
  { grant, scope, refreshTokenId }: { grant: Grant; scope: readonly string[]; refreshTokenId: string },
): Promise<TokenResponse> {
  const now = tools.now();
  const { accessTokenTtlSeconds, refreshTokenTtlSeconds } = tools.lifetimes;
  const expiresAt = Math.min(now + accessTokenTtlSeconds, grant.credential?.expiresAt ?? Infinity);
  const accessToken = await tools.accessTokens.issue(grant, resource, { scope, expiresAt });
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: Math.max(expiresAt - now, 0),
    refresh_token: sealRefreshToken(
      tools.sealer,
      { id: refreshTokenId, grant, issuedAt: now },
      now + refreshTokenTtlSeconds,
    ),
    ...(scope.length === 0 ? {} : { scope: printScope(scope) }),
  };
}

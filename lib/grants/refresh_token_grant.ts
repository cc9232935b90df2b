// grant_type=refresh_token (RFC 6749 §6): every use gives a new pair. A lost answer or a parallel call gets the very same pair
// for `refresh_grace`; a use after that means the token was stolen, and ends the grant (RFC 9700 §4.14.2).
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import { checkResource } from "../oauth/authorization_request.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Grant } from "../oauth/grant.ts";
import { type Parameters, requireParameter } from "../oauth/parameters.ts";
import { narrowScope, parseScope } from "../oauth/scope.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Store } from "../store/store.ts";
import type { Strategies } from "../strategies/create_strategy.ts";
import type { Log } from "../telemetry/log.ts";
import { revokedUntil } from "../tokens/grant_lifetime.ts";
import { openRefreshToken, type RefreshToken } from "../tokens/refresh_token.ts";
import { issueTokens, type IssueTools, type TokenResponse } from "./issue_tokens.ts";
import { createRotation, type Rotation } from "./rotation.ts";

export interface RefreshGrantTools extends IssueTools {
  store: Store;
  revocations: Revocations;
  strategies: Strategies;
  log: Log;
}

type Redemption = { client: Client; parameters: Parameters };

/** @throws OAuthError `invalid_request`, `invalid_grant`, `invalid_target`, `temporarily_unavailable` */
export type RedeemRefreshToken = (
  resource: Resource,
  redemption: Redemption,
) => Promise<{ grantId: string; response: TokenResponse }>;

export function createRefreshTokenGrant(tools: RefreshGrantTools): RedeemRefreshToken {
  const rotation: Rotation = createRotation({ ...tools, graceSeconds: tools.lifetimes.refreshGraceSeconds });
  const lifetimeSeconds = tools.lifetimes.refreshTokenTtlSeconds;

  async function revoke(grant: Grant): Promise<void> {
    await tools.revocations.revoke(grant.id, revokedUntil(tools.lifetimes, tools.now()));
  }

  async function renew(token: RefreshToken, resource: Resource, scope: readonly string[]): Promise<TokenResponse> {
    const strategy = tools.strategies.of(resource);
    try {
      const grant = await strategy.renew(token.grant, tools.now());
      // Revoked while the provider was asked: what it gave just now must not outlive that.
      if (await tools.revocations.isRevoked(grant.id, { askNow: true })) {
        await strategy.revoke?.(grant);
        throw accessRevoked();
      }
      return await issueTokens(tools, resource, { grant, scope, refreshTokenId: rotation.nextId(token.id) });
    } catch (error) {
      if (error instanceof OAuthError && error.code === "invalid_grant") await revoke(token.grant);
      throw error;
    }
  }

  return async (resource, { client, parameters }) => {
    const noteRefusal = (reason: "expired" | "reused") =>
      tools.log.info("refresh_token_refused", { resource: resource.name, client_id: client.clientId, reason });
    const text = requireParameter(parameters, "refresh_token");
    const token = openRefreshToken({ ...tools, lifetimeSeconds }, text, () => noteRefusal("expired"));
    const { grant } = token;
    if (grant.resource !== resource.urls.resource) {
      throw new OAuthError("invalid_grant", "the refresh token was issued for another resource");
    }
    if (grant.clientId !== client.clientId) {
      throw new OAuthError("invalid_grant", "the refresh token was issued to another client");
    }
    checkResource(parameters.resource, resource.urls.resource);
    if (await tools.revocations.isRevoked(grant.id, { askNow: true })) {
      throw accessRevoked();
    }
    const scope = narrowScope(parseScope(parameters.scope), grant.scope);
    const rotated = await rotation.rotate<TokenResponse>(token, () => renew(token, resource, scope));
    if (rotated === "reused") {
      noteRefusal("reused");
      await revoke(grant);
      throw new OAuthError(
        "invalid_grant",
        "the refresh token was already used, so the grant was revoked; the user must authorize again",
      );
    }
    return { grantId: grant.id, response: rotated };
  };
}

function accessRevoked(): OAuthError {
  return new OAuthError("invalid_grant", "access was revoked; the user must authorize again");
}

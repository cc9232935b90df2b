// POST /revoke (RFC 7009). A refresh token takes the whole grant with it; an access token only itself, so that a client which
// tidies up an old one does not log its user out.
import { authenticateClient } from "../clients/client_authentication.ts";
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { noStore, publicCors } from "../http/response_headers.ts";
import { OAuthError } from "../oauth/errors.ts";
import { requireParameter } from "../oauth/parameters.ts";
import { revokedUntil } from "../tokens/grant_lifetime.ts";
import { findRefreshToken } from "../tokens/refresh_token.ts";

export function revocationEndpoint(
  deps: Pick<
    Deps,
    | "clients"
    | "store"
    | "revocations"
    | "accessTokens"
    | "sealer"
    | "strategies"
    | "config"
    | "log"
    | "now"
    | "safeFetch"
  >,
): (request: Request, resource: Resource) => Promise<Response> {
  /** An unknown or expired token is as good as revoked (RFC 7009 §2.2). */
  async function revoke(text: string, client: Client, resource: Resource): Promise<void> {
    const refreshToken = findRefreshToken(deps.sealer, text);
    if (refreshToken !== undefined) {
      checkOwner(refreshToken.grant, client, resource);
      // Tokens that came after this one live longer than it does, and are revoked with it.
      const until = Math.max(refreshToken.expiresAt, revokedUntil(deps.config.tokens, deps.now()));
      await deps.revocations.revoke(refreshToken.grant.id, until);
      deps.log.info("grant_revoked", {
        resource: resource.name,
        client_id: client.clientId,
        grant: refreshToken.grant.id,
      });
      await deps.strategies.of(resource).revoke?.(refreshToken.grant);
      return;
    }
    const access = await deps.accessTokens.find(text, resource);
    if (access === undefined) return;
    checkOwner(access, client, resource);
    await deps.revocations.revoke(access.tokenId, access.expiresAt);
    deps.log.info("access_token_revoked", {
      resource: resource.name,
      client_id: client.clientId,
      grant: access.grantId,
    });
  }

  return async (request, resource) => {
    const parameters = await readForm(request);
    const client = await authenticateClient(deps, {
      authorization: request.headers.get("authorization"),
      parameters,
      audiences: [resource.urls.revoke, resource.urls.token, resource.urls.issuer],
    });
    await revoke(requireParameter(parameters, "token"), client, resource);
    return new Response(null, { status: 200, headers: { ...noStore, ...publicCors } });
  };
}

function checkOwner(token: { clientId: string; resource: string }, client: Client, resource: Resource): void {
  if (token.clientId !== client.clientId || token.resource !== resource.urls.resource) {
    throw new OAuthError("invalid_grant", "the token was issued to another client or for another resource");
  }
}

// RFC 6750 §2.1: who may use the MCP server is whoever holds a token that we issued for it.
import type { Resource } from "../config/config.ts";
import { parseBearer } from "../oauth/bearer.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Access, AccessTokens } from "../tokens/access_token.ts";

/** The token as sent, and what it says. */
export interface Authenticated {
  token: string;
  access: Access;
}

/**
 * No promise for a token that was verified a moment ago, since most are.
 *
 * @throws OAuthError `invalid_token`, now or later; whether a token was sent at all is for `tokenWasSent` to say
 */
export function authenticateBearer(
  authorization: string | null,
  accessTokens: AccessTokens,
  resource: Resource,
): Authenticated | Promise<Authenticated> {
  if (authorization?.startsWith(usualScheme)) {
    const token = authorization.slice(usualScheme.length);
    const access = accessTokens.verifyKnown(token, resource);
    if (access !== undefined) return { token, access };
  }
  return authenticateNew(authorization, accessTokens, resource);
}

const usualScheme = "Bearer ";

async function authenticateNew(
  authorization: string | null,
  accessTokens: AccessTokens,
  resource: Resource,
): Promise<Authenticated> {
  if (!tokenWasSent(authorization)) {
    throw new OAuthError("invalid_token", "send an access token as Authorization: Bearer");
  }
  const token = parseBearer(authorization);
  if (token === undefined) throw new OAuthError("invalid_token", "the access token is empty or malformed");
  return { token, access: await accessTokens.verify(token, resource) };
}

/** Without one the challenge carries no error code (RFC 6750 §3.1). */
export function tokenWasSent(authorization: string | null): boolean {
  return /^Bearer\b/i.test(authorization?.trim() ?? "");
}

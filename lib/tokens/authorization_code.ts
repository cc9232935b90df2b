// The authorization code (RFC 6749 §4.1.2): the grant itself, sealed, with what its redemption must match.
import { OAuthError } from "../oauth/errors.ts";
import type { Grant } from "../oauth/grant.ts";
import type { Sealer } from "./seal.ts";

export interface AuthorizationCode {
  /** What the store takes once. */
  id: string;
  grant: Grant;
  redirectUri: string;
  codeChallenge: string;
}

export function sealAuthorizationCode(sealer: Sealer, code: AuthorizationCode, expiresAt: number): string {
  return sealer.seal("authorization code", code, expiresAt);
}

/** @throws OAuthError `invalid_grant` when the code is not ours, was changed or has expired */
export function openAuthorizationCode(sealer: Sealer, text: string): AuthorizationCode & { expiresAt: number } {
  const opened = sealer.open("authorization code", text);
  if (opened === undefined) throw new OAuthError("invalid_grant", "the authorization code is not valid");
  if (opened === "expired") {
    throw new OAuthError("invalid_grant", "the authorization code has expired; start the authorization again");
  }
  return { ...opened.value as AuthorizationCode, expiresAt: opened.expiresAt! };
}

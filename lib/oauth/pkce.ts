// RFC 7636, S256 only.
import { createHash, timingSafeEqual } from "node:crypto";
import { OAuthError } from "./errors.ts";

const challengeForm = /^[A-Za-z0-9_-]{43}$/;
const verifierForm = /^[A-Za-z0-9\-._~]{43,128}$/;

/** True for 43 characters of base64url: a SHA-256 without padding (RFC 7636 §4.2). */
export function isCodeChallenge(text: string): boolean {
  return challengeForm.test(text);
}

/** `BASE64URL(SHA256(verifier))`, RFC 7636 §4.2. */
export function codeChallengeOf(codeVerifier: string): string {
  return createHash("sha256").update(codeVerifier, "ascii").digest("base64url");
}

/**
 * Checks that `code_verifier` belongs to the `code_challenge` of the authorization request. RFC 7636 §4.6.
 *
 * @param codeVerifier  43 to 128 characters
 * @param codeChallenge base64url without padding, 43 characters
 * @throws OAuthError `invalid_grant`
 */
export function checkPkce(codeVerifier: string, codeChallenge: string): void {
  if (!verifierForm.test(codeVerifier)) {
    throw new OAuthError("invalid_grant", "PKCE: code_verifier must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~");
  }
  const actual = Buffer.from(codeChallengeOf(codeVerifier));
  const expected = Buffer.from(codeChallenge);
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) {
    throw new OAuthError("invalid_grant", "PKCE: code_verifier does not match the code_challenge of the authorization");
  }
}

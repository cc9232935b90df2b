// The refresh token (RFC 6749 §1.5): the grant, sealed; a new id at every rotation.
import { OAuthError } from "../oauth/errors.ts";
import type { Grant } from "../oauth/grant.ts";
import type { Sealer } from "./seal.ts";

export interface RefreshToken {
  /** What is spent at the rotation. */
  id: string;
  grant: Grant;
  /** Seconds since the epoch. */
  issuedAt?: number;
}

export function sealRefreshToken(sealer: Sealer, token: RefreshToken, expiresAt: number): string {
  return sealer.seal("refresh token", token, expiresAt);
}

/** The refresh token in `text`; undefined when it is none of ours. */
export function findRefreshToken(sealer: Sealer, text: string): RefreshToken & { expiresAt: number } | undefined {
  const opened = sealer.open("refresh token", text);
  return opened === undefined || opened === "expired"
    ? undefined
    : { ...opened.value as RefreshToken, expiresAt: opened.expiresAt! };
}

/**
 * @param onExpired called before the refusal of a token that was ours
 * @throws OAuthError `invalid_grant` when the token is not ours, was changed or has expired
 */
export function openRefreshToken(
  { sealer, now, lifetimeSeconds }: {
    sealer: Sealer;
    now: () => number;
    /** Of today's configuration. A shorter one counts for older tokens too: revocations are remembered no longer. */
    lifetimeSeconds: number;
  },
  text: string,
  onExpired: () => void,
): RefreshToken & { expiresAt: number } {
  const token = findRefreshToken(sealer, text);
  const isOutlived = token?.issuedAt !== undefined && token.issuedAt + lifetimeSeconds <= now();
  if (token === undefined || isOutlived) {
    if (isOutlived || sealer.open("refresh token", text) === "expired") onExpired();
    throw new OAuthError(
      "invalid_grant",
      "the refresh token is not valid or has expired; the user must authorize again",
    );
  }
  return token;
}

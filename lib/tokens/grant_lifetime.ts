// How long what a grant gave can be used.
import type { TokensConfig } from "../config/config.ts";

type Lifetimes = Pick<TokensConfig, "accessTokenTtlSeconds" | "refreshTokenTtlSeconds">;

/** What is being handed out while a grant ends expires later by that much. */
const underWaySeconds = 60;

/** Seconds from the last tokens on: an access token may be made to live longer than the refresh token beside it. */
export function grantLifetimeSeconds({ accessTokenTtlSeconds, refreshTokenTtlSeconds }: Lifetimes): number {
  return Math.max(accessTokenTtlSeconds, refreshTokenTtlSeconds);
}

/** How long a revocation has to be remembered: by then no token of the grant is good any more. Seconds since the epoch. */
export function revokedUntil(lifetimes: Lifetimes, now: number): number {
  return now + grantLifetimeSeconds(lifetimes) + underWaySeconds;
}

// How often one address and one client may ask the OAuth endpoints. Connectors share egress addresses, so the address alone
// would punish many for one; both are counted.
import type { RateLimitConfig } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import { networkOf } from "./client_address.ts";
import { createRateLimit } from "./rate_limit.ts";

export interface RateLimits {
  /** @throws OAuthError 429 with `Retry-After` */
  checkAddress(endpoint: string, address: string): void;
  /**
   * @param address of whoever has not proved to be the client, so that strangers use up only their own share of its requests
   * @throws OAuthError 429 with `Retry-After`
   */
  checkClient(clientId: string, address?: string): void;
}

export function createRateLimits({ perAddress, perClient }: RateLimitConfig, now: () => number): RateLimits {
  const addresses = createRateLimit({ perMinute: perAddress, now });
  const clients = createRateLimit({ perMinute: perClient, now });
  return {
    checkAddress: (endpoint, address) => check(addresses.take(`${endpoint} ${networkOf(address)}`)),
    checkClient: (clientId, address) =>
      check(clients.take(address === undefined ? clientId : `${clientId} ${networkOf(address)}`)),
  };
}

function check({ allowed, retryAfterSeconds }: { allowed: boolean; retryAfterSeconds: number }): void {
  if (allowed) return;
  throw new OAuthError("temporarily_unavailable", `too many requests; try again in ${retryAfterSeconds} s`, {
    status: 429,
    retryAfterSeconds,
  });
}

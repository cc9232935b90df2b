// How often one address and one client may ask the OAuth endpoints. Connectors share egress addresses, so the address alone
// would punish many for one; both are counted.
import { createHash } from "node:crypto";
import type { RateLimitConfig } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import { networkOf } from "./client_address.ts";
import { createRateLimit, type DrawShared, type RateLimitAnswer } from "./rate_limit.ts";

export interface RateLimits {
  /** @throws OAuthError 429 with `Retry-After` */
  checkAddress(endpoint: string, address: string): Promise<void>;
  /**
   * @param address of whoever has not proved to be the client, so that strangers use up only their own share of its requests
   * @throws OAuthError 429 with `Retry-After`
   */
  checkClient(clientId: string, address?: string): Promise<void>;
}

/** @param tools.draw what the processes that share a store count together; absent where there is only this one */
export function createRateLimits(
  { perAddress, perClient }: RateLimitConfig,
  { now, draw }: { now: () => number; draw?: DrawShared | undefined },
): RateLimits {
  const shared: DrawShared | undefined = draw && ((key, bucket) => draw(`limit:${key}`, bucket));
  const addresses = createRateLimit({ perMinute: perAddress, now, draw: shared });
  const clients = createRateLimit({ perMinute: perClient, now, draw: shared });
  return {
    checkAddress: async (endpoint, address) =>
      check(await addresses.take(keyOf(`address ${endpoint} ${networkOf(address)}`))),
    checkClient: async (clientId, address) =>
      check(
        await clients.take(
          keyOf(address === undefined ? `client ${clientId}` : `client ${clientId} ${networkOf(address)}`),
        ),
      ),
  };
}

/** Short, whatever a client calls itself, for many are remembered; and no address in clear. */
function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

function check({ allowed, retryAfterSeconds }: RateLimitAnswer): void {
  if (allowed) return;
  throw new OAuthError("temporarily_unavailable", `too many requests; try again in ${retryAfterSeconds} s`, {
    status: 429,
    retryAfterSeconds,
  });
}

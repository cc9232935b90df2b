// All that an endpoint may ask the outside for. Types only; server.ts makes the real ones, tests their own.
import type { Clients } from "./clients/client.ts";
import type { Config } from "./config/config.ts";
import type { RateLimits } from "./http/rate_limits.ts";
import type { SafeFetch } from "./http/safe_fetch.ts";
import type { ConnectTcp } from "./runtime/runtime.ts";
import type { ResourceScopes } from "./scopes/resource_scopes.ts";
import type { Revocations } from "./store/revocations.ts";
import type { ResilientStore } from "./store/resilient_store.ts";
import type { AccountSignIn } from "./strategies/account_sign_in.ts";
import type { Strategies } from "./strategies/create_strategy.ts";
import type { Log } from "./telemetry/log.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { Tracing } from "./telemetry/tracing.ts";
import type { AccessTokens } from "./tokens/access_token.ts";
import type { Sealer } from "./tokens/seal.ts";
import type { SigningKeys } from "./tokens/signing_keys.ts";

export interface Deps {
  config: Config;
  clients: Clients;
  strategies: Strategies;
  /** For our own pages. */
  accounts: AccountSignIn;
  accessTokens: AccessTokens;
  sealer: Sealer;
  keys: SigningKeys;
  store: ResilientStore;
  revocations: Revocations;
  scopes: ResourceScopes;
  rateLimits: RateLimits;
  /** To the downstreams, whose addresses the operator chose. */
  fetch: typeof fetch;
  /** Straight to those in the same network; absent where fetch is to ask them too. */
  connectTcp: ConnectTcp | undefined;
  /** To addresses that strangers choose. */
  safeFetch: SafeFetch;
  log: Log;
  metrics: Metrics;
  /** Absent where no collector is named. */
  tracing: Tracing | undefined;
  /** Seconds since the epoch. */
  now: () => number;
}

// The only switch on the strategy's name.
import type { ChainedOAuthConfig, ProviderConfig, Resource, TokensConfig } from "../config/config.ts";
import type { SafeFetch } from "../http/safe_fetch.ts";
import { discoveredProvider } from "../providers/discovered_provider.ts";
import { createProviderFetch, createStrangerFetch, isLocalAddress } from "../providers/provider_fetch.ts";
import { configuredProvider } from "../providers/provider_source.ts";
import { createLeases } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";
import type { AccountSignIn } from "./account_sign_in.ts";
import { chainedOAuth } from "./chained_oauth.ts";
import { createLogins, type Logins } from "./create_logins.ts";
import { passthrough } from "./passthrough.ts";
import { createProviderTokenKeeper, type ProviderTokenKeeper } from "./provider_tokens.ts";
import { createRefusedCredentials, type RefusedCredentials } from "./refused_credentials.ts";
import type { Strategy } from "./strategy.ts";

export interface StrategyTools {
  /** To addresses that the operator chose. */
  fetch: typeof fetch;
  /** To addresses that a downstream's metadata names. */
  safeFetch: SafeFetch;
  /** `[provider.*]`: where users sign in. */
  providers: ReadonlyMap<string, ProviderConfig>;
  store: Store;
  sealer: Sealer;
  lifetimes: TokensConfig;
  log: Log;
  /** Seconds since the epoch. */
  now: () => number;
}

/** One strategy per resource, made at start. */
export interface Strategies {
  of(resource: Resource): Strategy;
}

export function createStrategies(
  resources: readonly Resource[],
  tools: StrategyTools,
): Strategies & { accounts: AccountSignIn } {
  const { store, sealer, log } = tools;
  const shared: Shared = {
    keeper: createProviderTokenKeeper({
      store,
      sealer,
      log,
      leases: createLeases(tools),
      lifetimeSeconds: tools.lifetimes.refreshTokenTtlSeconds,
    }),
    refusedCredentials: createRefusedCredentials(tools),
    logins: createLogins(resources, tools),
  };
  const strategies = new Map(resources.map((resource) => [resource.name, createStrategy(resource, tools, shared)]));
  return { of: (resource) => strategies.get(resource.name)!, accounts: shared.logins.accounts };
}

interface Shared {
  keeper: ProviderTokenKeeper;
  refusedCredentials: RefusedCredentials;
  logins: Logins;
}

function createStrategy(resource: Resource, tools: StrategyTools, shared: Shared): Strategy {
  switch (resource.strategy.kind) {
    case "passthrough":
      return passthrough(resource, resource.strategy, { ...tools, ...shared });
    case "chained_oauth":
      return chained(resource, resource.strategy, tools, shared);
    case "login":
      return shared.logins.create(resource, resource.strategy);
  }
}

function chained(resource: Resource, config: ChainedOAuthConfig, tools: StrategyTools, shared: Shared): Strategy {
  const operatorFetch = createProviderFetch(tools.fetch);
  const { provider } = config;
  if (provider !== undefined) {
    const source = configuredProvider({ ...config, provider });
    return chainedOAuth(resource, config, { ...shared, source, fetch: operatorFetch, log: tools.log });
  }
  // A public MCP server may name public addresses only; one on our own network is trusted with its neighbours.
  const isLocal = resource.downstreamUrl !== undefined && isLocalAddress(new URL(resource.downstreamUrl));
  const fetch = isLocal ? operatorFetch : createStrangerFetch(tools.safeFetch);
  const downstreamFetch = createProviderFetch(tools.fetch, { readBody: false });
  const source = discoveredProvider(resource, config, { ...tools, fetch, downstreamFetch, isLocal });
  return chainedOAuth(resource, config, { ...shared, source, fetch, log: tools.log });
}

// The login strategies of all resources share their providers: one discovery document and one key set for each.
import type { LoginConfig, ProviderConfig, Resource, TokensConfig } from "../config/config.ts";
import { createProvider } from "../providers/create_provider.ts";
import type { Provider } from "../providers/provider.ts";
import { createProviderFetch } from "../providers/provider_fetch.ts";
import { wantedFacts } from "../providers/wanted_facts.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";
import { type AccountSignIn, accountSignIn } from "./account_sign_in.ts";
import { createKeptRenewals } from "./kept_renewals.ts";
import { login } from "./login.ts";
import type { Strategy } from "./strategy.ts";

export interface LoginDependencies {
  fetch: typeof fetch;
  /** `[provider.*]`. */
  providers: ReadonlyMap<string, ProviderConfig>;
  store: Store;
  sealer: Sealer;
  lifetimes: Pick<TokensConfig, "refreshTokenTtlSeconds">;
  log: Log;
}

export interface Logins {
  create(resource: Resource, config: LoginConfig): Strategy;
  /** The same providers, to show people what they let in. */
  accounts: AccountSignIn;
}

export function createLogins(resources: readonly Resource[], dependencies: LoginDependencies): Logins {
  const { store, sealer, lifetimes, log } = dependencies;
  const fetch = createProviderFetch(dependencies.fetch);
  const providers = new Map<string, Provider>(
    [...dependencies.providers].map(([name, config]) => [
      name,
      createProvider(config, { fetch, wanted: wantedFacts(resources, name) }),
    ]),
  );
  const renewals = createKeptRenewals({ store, sealer, log, lifetimeSeconds: lifetimes.refreshTokenTtlSeconds });
  const used = resources.flatMap(({ strategy }) => strategy.kind === "login" ? strategy.providers : []);
  const offered = [...providers.values()].filter(({ name }) => used.includes(name));
  return {
    create: (resource, config) => login(resource, config, { providers, renewals, log }),
    accounts: accountSignIn(offered, log),
  };
}

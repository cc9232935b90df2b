// The whole proxy without a socket: everything that server.ts puts together, with a fixed clock, and a web that the test makes.
import { type App, createApp } from "../../lib/app.ts";
import { createClients } from "../../lib/clients/create_clients.ts";
import { parseConfig } from "../../lib/config/load.ts";
import type { Deps } from "../../lib/deps.ts";
import { createRateLimits } from "../../lib/http/rate_limits.ts";
import type { SafeFetch } from "../../lib/http/safe_fetch.ts";
import { createResourceScopes } from "../../lib/scopes/resource_scopes.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createResilientStore } from "../../lib/store/resilient_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { createStrategies } from "../../lib/strategies/create_strategy.ts";
import { createMetrics } from "../../lib/telemetry/metrics.ts";
import { createAccessTokens } from "../../lib/tokens/access_token.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { createDerivedKeys } from "../../lib/tokens/signing_keys.ts";
import { type RecordedEvent, recordedLog } from "./recorded_log.ts";

export interface AppInProcess {
  app: App;
  deps: Deps;
  events: RecordedEvent[];
  /** @param path or a whole URL; the host is that of public_url unless it says otherwise */
  send(path: string, init?: RequestInit & { remoteAddress?: string }): Promise<Response>;
}

const now = () => 1_900_000_000;
const unreachable = () => Promise.reject(new TypeError("nothing out there in this test"));

/** @param toml the whole configuration */
export function appInProcess(
  toml: string,
  { fetch = unreachable, safeFetch = unreachable }: { fetch?: typeof globalThis.fetch; safeFetch?: SafeFetch } = {},
): AppInProcess {
  const config = parseConfig(toml);
  const { log, events } = recordedLog();
  const secrets = [config.server.stateSecret, ...config.server.previousStateSecrets];
  const sealer = createSealer(secrets, now);
  const store = createResilientStore(createMemoryStore({ now }), { kind: "memory", now, log });
  const keys = createDerivedKeys({ secrets, rotationSeconds: 86_400, tokenTtlSeconds: 3_600, now });
  const revocations = createRevocations({ store, now, log });
  const tools = { fetch, safeFetch, store, sealer, log, now };
  const strategies = createStrategies(config.resources, {
    ...tools,
    lifetimes: config.tokens,
    providers: config.providers,
  });
  const deps: Deps = {
    ...tools,
    config,
    keys,
    revocations,
    metrics: createMetrics({ version: "0.0.0", storeStatus: store.status }),
    tracing: undefined,
    scopes: createResourceScopes(tools),
    connectTcp: undefined,
    rateLimits: createRateLimits(config.rateLimit, { now }),
    clients: createClients({ ...tools, config: config.clients }),
    strategies,
    accounts: strategies.accounts,
    accessTokens: createAccessTokens({ sealer, keys, revocations, now }),
  };
  const app = createApp(deps, { hasBegun: () => false, readinessAsked: () => {} });
  return {
    app,
    deps,
    events,
    send: async (path, { remoteAddress = "203.0.113.7", ...init } = {}) =>
      await app.fetch(new Request(new URL(path, config.server.publicUrl), { redirect: "manual", ...init }), {
        remoteAddress,
        keepOpen: () => {},
      }),
  };
}

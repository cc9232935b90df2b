// A Config becomes real Deps, a listening socket, a reload and a graceful stop; used by serve, demo and the tests.
import packageJson from "../package.json" with { type: "json" };
import { type App, createApp } from "./app.ts";
import { createClients } from "./clients/create_clients.ts";
import type { Config, Resource } from "./config/config.ts";
import type { Deps } from "./deps.ts";
import { createDraining } from "./http/draining.ts";
import { createOpenWork } from "./http/open_work.ts";
import { createRateLimits } from "./http/rate_limits.ts";
import { createSafeFetch } from "./http/safe_fetch.ts";
import { hasOutgoingProxy } from "./runtime/reachability.ts";
import { currentRuntime, type Listener } from "./runtime/runtime.ts";
import { createResourceScopes } from "./scopes/resource_scopes.ts";
import { createStore, storeKind } from "./store/create_store.ts";
import { createResilientStore, type ResilientStore } from "./store/resilient_store.ts";
import { createUseNotes } from "./store/last_use.ts";
import { createRevocations } from "./store/revocations.ts";
import { createStrategies } from "./strategies/create_strategy.ts";
import { countEvents } from "./telemetry/event_counts.ts";
import { type FirstHour, watchFirstHour } from "./telemetry/first_hour.ts";
import { type Log, processLog } from "./telemetry/log.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import type { MetricsSnapshot } from "./telemetry/merged_metrics.ts";
import { metricsAnswer } from "./telemetry/metrics_answer.ts";
import { createTracing, type Tracing } from "./telemetry/tracing.ts";
import { type Access, type AccessTokens, createAccessTokens } from "./tokens/access_token.ts";
import { grantLifetimeSeconds } from "./tokens/grant_lifetime.ts";
import { createSealer } from "./tokens/seal.ts";
import { createDerivedKeys, createFixedKey, type SigningKeys } from "./tokens/signing_keys.ts";

export interface RunningServer {
  /** Where it listens, for people on this machine. */
  url: string;
  port: number;
  /**
   * From now on new requests see this configuration; open streams go on with theirs. The listening address and the store stay.
   *
   * @throws what startServer throws; the old configuration then stays
   */
  reload(config: Config): void;
  /**
   * Says 503 at /readyz and to all new work, gives what runs its grace, and listens until then. The grace ends early when
   * `cutShort` settles.
   */
  stop(cutShort?: Promise<unknown>): Promise<void>;
  /** What this process alone has counted. */
  metrics(): Promise<MetricsSnapshot>;
}

/** What ties one of several processes that are one server to the others: they share the port and the store. */
export interface WorkerTies {
  /** The metrics of all of them, merged. */
  collectMetrics(): Promise<MetricsSnapshot>;
}

const now = () => Math.floor(Date.now() / 1000);

/** Starts to listen. @throws what the runtime throws when the address is taken, or the store's when it can't be opened */
export async function startServer(
  config: Config,
  { log: plainLog = processLog, worker }: { log?: Log; worker?: WorkerTies | undefined } = {},
): Promise<RunningServer> {
  const { server, store: { url } } = config;
  const kind = storeKind(url.reveal()) ?? "memory";
  const hasReplicas = kind === "redis" || worker !== undefined;
  const firstHour = watchFirstHour({ log: plainLog, now, schedule, hasReplicas });
  const { log } = firstHour;
  const store = createResilientStore(await createStore(url.reveal(), { now, log }), { kind, now, log });
  const metrics = createMetrics({
    version: packageJson.version,
    storeStatus: store.status,
    collectFromAll: worker?.collectMetrics,
  });
  const tracing = createTracing({ env: process.env, version: packageJson.version, fetch: globalThis.fetch, log });
  const draining = createDraining(() => performance.now());
  const appFor = (current: Config): App =>
    createApp(createDeps(current, { store, metrics, tracing, firstHour }), draining);
  let app = appFor(config);
  const sharesPort = worker !== undefined;
  const metricsListener = config.metrics && listenForMetrics({ ...config.metrics, sharesPort }, metrics);
  const openWork = createOpenWork();
  const listener = currentRuntime().serve({
    host: server.host,
    port: server.port,
    sharesPort,
    fetch: (request, connection) => openWork.watch(app.fetch(request, connection)),
  });
  logStart(log, config, listener.port);
  return {
    port: listener.port,
    metrics: metrics.snapshot,
    url: `http://${printHost(server.host)}:${listener.port}`,
    reload(next) {
      app = appFor(next);
      for (const [key, stays] of Object.entries(whatStays(config, next))) {
        if (stays) log.warning("configuration_needs_restart", { key });
      }
      logStart(log, next, listener.port, "configuration_reloaded");
    },
    async stop(cutShort = new Promise(() => {})) {
      const graceSeconds = server.shutdownGraceSeconds;
      draining.begin();
      log.info("server_draining", { grace_seconds: graceSeconds });
      const quiet = Promise.all([draining.seen(), listener.idle(), openWork.finished()]);
      const isQuiet = await finishesWithin(quiet, { graceSeconds, cutShort });
      // What is left when it is quiet are answers of a moment ago, and kept connections.
      await listener.stop(isQuiet ? 1 : 0);
      await metricsListener?.stop(0);
      await tracing?.close();
      await store.close();
      log.info("server_stopped");
    },
  };
}

/** @returns false when the grace ended first */
async function finishesWithin(
  work: Promise<unknown>,
  { graceSeconds, cutShort }: { graceSeconds: number; cutShort: Promise<unknown> },
): Promise<boolean> {
  let grace: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((settle) => grace = setTimeout(settle, graceSeconds * 1000));
  const finished = await Promise.race([work.then(() => true), over.then(() => false), cutShort.then(() => false)]);
  clearTimeout(grace);
  return finished;
}

/** For what may be missed when the process ends. */
function schedule(callback: () => void, afterMs: number): void {
  setTimeout(callback, afterMs).unref();
}

/** @throws Error that names the key, when the address is taken or not allowed */
function listenForMetrics(
  { host, port, sharesPort }: NonNullable<Config["metrics"]> & { sharesPort: boolean },
  metrics: Metrics,
): Listener {
  try {
    return currentRuntime().serve({ host, port, sharesPort, fetch: (request) => metricsAnswer(metrics, request) });
  } catch (cause) {
    const { code } = cause as { code?: string };
    throw new Error(`metrics.listen: can't listen on ${host}:${port} (${code ?? String(cause)})`, { cause });
  }
}

function createDeps(
  config: Config,
  { store, metrics, tracing, firstHour }: {
    store: ResilientStore;
    metrics: Metrics;
    tracing: Tracing | undefined;
    firstHour: FirstHour;
  },
): Deps {
  const kinds = new Map(config.resources.map(({ name, strategy }) => [name, strategy.kind]));
  const log = countEvents(firstHour.log, metrics, kinds);
  const sealer = createSealer(
    [config.server.stateSecret, ...config.server.previousStateSecrets],
    now,
    config.server.retiredStateSecrets,
  );
  const keys = createSigningKeys(config);
  const revocations = createRevocations({ store, now, log });
  const safeFetch = createSafeFetch();
  const strategies = createStrategies(config.resources, {
    fetch: globalThis.fetch,
    safeFetch,
    store,
    sealer,
    lifetimes: config.tokens,
    providers: config.providers,
    log,
    now,
  });
  return {
    config,
    log,
    metrics,
    tracing,
    now,
    sealer,
    keys,
    store,
    safeFetch,
    revocations,
    fetch: globalThis.fetch,
    connectTcp: hasOutgoingProxy() ? undefined : currentRuntime().connectTcp,
    scopes: createResourceScopes({ fetch: globalThis.fetch, now, log }),
    rateLimits: createRateLimits(config.rateLimit, { now: () => Date.now() / 1000, draw: store.draw }),
    clients: createClients({ config: config.clients, sealer, safeFetch, now, log }),
    strategies,
    accounts: strategies.accounts,
    accessTokens: noteUse(
      createAccessTokens({ sealer, keys, revocations, now }),
      [firstHour.tokenUsed, createUseNotes({ store, now, log }, grantLifetimeSeconds(config.tokens))],
    ),
  };
}

function noteUse(accessTokens: AccessTokens, notes: readonly FirstHour["tokenUsed"][]): AccessTokens {
  const noted = (access: Access, resource: Resource) => {
    const use = { grant: access.grantId, resource: resource.name };
    for (const note of notes) note(use);
    return access;
  };
  return {
    ...accessTokens,
    verify: async (token, resource) => noted(await accessTokens.verify(token, resource), resource),
    verifyKnown(token, resource) {
      const access = accessTokens.verifyKnown(token, resource);
      return access && noted(access, resource);
    },
  };
}

function createSigningKeys({ server, tokens }: Config): SigningKeys {
  if (tokens.privateKey !== undefined) return createFixedKey(tokens.privateKey);
  return createDerivedKeys({
    secrets: [server.stateSecret, ...server.previousStateSecrets],
    rotationSeconds: tokens.signingKeyRotationSeconds,
    tokenTtlSeconds: tokens.accessTokenTtlSeconds,
    now,
  });
}

function logStart(log: Log, config: Config, port: number, event = "server_started"): void {
  for (const warning of config.warnings) log.warning("configuration_warning", { warning });
  log.info(event, {
    host: config.server.host,
    port,
    public_url: config.server.publicUrl,
    downstreams: config.resources.map(({ name, strategy }) => `${name} (${strategy.kind})`),
  });
}

/** Keys that a reload can't change, each with whether the file changed it. */
function whatStays(before: Config, after: Config): Record<string, boolean> {
  return {
    "server.host": before.server.host !== after.server.host,
    "server.port": before.server.port !== after.server.port,
    "metrics.listen": JSON.stringify(before.metrics) !== JSON.stringify(after.metrics),
    "store.url": before.store.url.reveal() !== after.store.url.reveal(),
  };
}

function printHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

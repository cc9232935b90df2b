// 8 clients refresh through a network that loses a fifth of the answers, at a provider that fails in 5 % and rotates its refresh
// tokens, while proxies are ended and started again. Nobody may have to sign in again (issue 3). `npm run test:long` runs it in
// full: 1,000 refreshes each.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../support/programs.ts";
import { startRedis } from "../support/redis_server.ts";
import { endInTurn, type EndOptions } from "./ended_proxies.ts";
import { startLossyRelay } from "./lossy_relay.ts";
import { refreshStorm, type StormCounts } from "./refresh_storm.ts";
import { chainedConfiguration, type Reuse, type RotatingProvider, startRotatingProvider } from "./rotating_provider.ts";
import { freePorts, startNginx } from "./two_replicas.ts";

const inFull = process.env.MCP_OAUTH_PROXY_LONG === "1";
const size = inFull ? { refreshes: 1000, restMs: 500, everyMs: 3000 } : { refreshes: 100, restMs: 300, everyMs: 1500 };
const timeout = 300_000;
/** What is tried runs in processes of its own. */
const onOneRuntime = inFull || "Bun" in globalThis ? undefined : "once is enough; on Deno only in the long run";

interface Scene {
  signal: EndOptions["signal"];
  /** At the provider. */
  graceMs: number;
  replicas: 1 | 2;
}

interface Outcome {
  counts: StormCounts;
  provider: RotatingProvider;
  endedAt: number[];
}

test(
  "kill -9 with sqlite: at a provider that tolerates a repeated refresh token for a moment",
  { timeout, skip: onOneRuntime },
  async () => {
    const { counts, provider, endedAt } = await run({ signal: "SIGKILL", graceMs: 30_000, replicas: 1 });
    assertNobodyNoticed(counts, provider);
    assertOnlyAfterKills(provider.reuses, endedAt);
  },
);

test("kill -9 of two replicas in turn behind nginx with Redis, at such a provider", {
  timeout,
  skip: onOneRuntime ?? needs("nginx", "redis-server"),
}, async () => {
  const { counts, provider, endedAt } = await run({ signal: "SIGKILL", graceMs: 30_000, replicas: 2 });
  assertNobodyNoticed(counts, provider);
  assertOnlyAfterKills(provider.reuses, endedAt);
});

test("restarts by SIGTERM with sqlite: at a provider that tolerates nothing, no refresh token is used twice", {
  timeout,
  skip: onOneRuntime,
}, async () => {
  const { counts, provider } = await run({ signal: "SIGTERM", graceMs: 0, replicas: 1 });
  assertNobodyNoticed(counts, provider);
  assert.deepEqual(provider.reuses, []);
});

test("restarts by SIGTERM of two replicas in turn behind nginx with Redis, at such a provider: none either", {
  timeout,
  skip: inFull ? needs("nginx", "redis-server") : "only in the long run",
}, async () => {
  const { counts, provider } = await run({ signal: "SIGTERM", graceMs: 0, replicas: 2 });
  assertNobodyNoticed(counts, provider);
  assert.deepEqual(provider.reuses, []);
});

test(
  "kill -9 with sqlite, at a provider that tolerates nothing: only what was on the wire when it was killed is lost",
  {
    timeout,
    skip: inFull ? undefined : "only in the long run",
  },
  async () => {
    const { counts, provider, endedAt } = await run({ signal: "SIGKILL", graceMs: 0, replicas: 1 });
    assertOnlyAfterKills(provider.reuses, endedAt);
    assert.equal(counts.split, 0);
  },
);

async function run(scene: Scene): Promise<Outcome> {
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-faults-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const provider = cleanup.use(
    await startRotatingProvider({ graceMs: scene.graceMs, latencyMs: () => 20 * Math.random(), failing: 0.05 }),
  );
  const ports = await freePorts(scene.replicas + 1);
  const [front, ...behind] = scene.replicas === 1 ? [ports[0]!, ports[0]!] : ports as [number, ...number[]];
  let storeUrl = `sqlite:${folder}/state.db`;
  if (scene.replicas === 2) {
    const redis = await startRedis();
    cleanup.defer(() => redis.remove());
    storeUrl = redis.url;
  }
  const stateSecret = randomBytes(32).toString("base64");
  const publicUrl = `http://127.0.0.1:${front}`;
  const proxies = cleanup.use(
    await endInTurn(
      behind.map((port) => ({ port, publicUrl, stateSecret, toml: chainedConfiguration(provider, storeUrl) })),
      { signal: scene.signal, everyMs: size.everyMs },
    ),
  );
  if (scene.replicas === 2) cleanup.use(await startNginx(front, behind));
  const relay = cleanup.use(await startLossyRelay(front, { lostAnswers: 0.2, hungUp: 0.05 }));
  const startedAt = performance.now();
  const counts = await refreshStorm({
    ...{ publicUrl, relayUrl: relay.url, clients: 8, shared: 2 },
    ...{ refreshes: size.refreshes, restMs: size.restMs },
  });
  await proxies.calm();
  const { forcedAt: _, ...printed } = counts;
  console.log(JSON.stringify({
    ...scene,
    seconds: Math.round((performance.now() - startedAt) / 1000),
    ends: proxies.endedAt.length,
    ...printed,
    lost_answers: relay.lostAnswers,
    hung_up: relay.hungUp,
    at_provider: {
      refreshes: provider.refreshes,
      unavailable: provider.failures,
      tolerated: provider.reuses.filter(({ tolerated }) => tolerated).length,
      used_twice: provider.reuses.filter(({ tolerated }) => !tolerated).length,
    },
  }));
  return { counts, provider, endedAt: proxies.endedAt };
}

function assertNobodyNoticed(counts: StormCounts, provider: RotatingProvider): void {
  assert.equal(counts.forcedLogins, 0, "forced logins");
  assert.equal(counts.split, 0, "two callers of one refresh token with different pairs");
  assert.equal(counts.refreshed, size.refreshes);
  assert.deepEqual([counts.refusedCalls, provider.refusedTokens], [0, 0]);
  assert.deepEqual(provider.reuses.filter(({ tolerated }) => !tolerated), [], "provider refresh tokens used twice");
}

/**
 * A request or an answer that was on its way when the process was killed: nobody can know what the provider did, and the next
 * process has to ask again.
 */
function assertOnlyAfterKills(reuses: Reuse[], killedAt: number[]): void {
  const msFromKill = ({ firstAt, againAt }: Reuse) =>
    Math.min(...killedAt.filter((at) => at < againAt).map((at) => Math.round(Math.abs(at - firstAt))));
  assert.deepEqual(reuses.map(msFromKill).filter((ms) => ms > onTheWireMs), []);
}

/** The provider's answer takes up to 20 ms here, the rest is for a machine under load. */
const onTheWireMs = 500;

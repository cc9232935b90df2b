// Issue 7: two replicas with Redis behind HAProxy, for 20 minutes: users of all strategies, while replicas are restarted and
// reloaded, the state secret is replaced, and providers fail. Nobody notices, but for those whose connection a restart cut.
// `npm run test:long`; MCP_OAUTH_PROXY_SOAK_MINUTES=1 for a short look.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { freePorts } from "../faults/two_replicas.ts";
import { needs } from "../support/programs.ts";
import { startRedis } from "../support/redis_server.ts";
import { startHaproxy } from "./haproxy.ts";
import { flatness, type MemoryOfProcess, watchMemory } from "./memory.ts";
import { type Replicas, startReplicas } from "./replicas.ts";
import { startServices } from "./services.ts";
import { kinds, type Work, work } from "./users.ts";
import { createWeather, during, type Hiccup, type Weather } from "./weather.ts";

const minutes = Number(process.env.MCP_OAUTH_PROXY_SOAK_MINUTES ?? "20");
const lengthMs = minutes * 60_000;
const inFull = process.env.MCP_OAUTH_PROXY_LONG === "1";

/**
 * Resident memory moves by more than 10 MiB as the collector comes and goes (the highest sample is printed beside the medians);
 * medians of thirds even that out. What grows until it has reached its bound was measured apart: 6 MiB with the first 50 reloads and
 * none with the next 250, 1.5 KiB for each token that is remembered (10,000 at most). 8 MiB between the thirds are 900 bytes
 * kept of each request in the 20 minutes: a leak shows.
 */
const growthMib = 8;

test("issue 7: in a soak no request fails beyond those that a restart cut, and memory stays flat", {
  timeout: lengthMs + 180_000,
  skip: inFull ? needs("haproxy", "redis-server") : "only in the long run",
}, async () => {
  await using cleanup = new AsyncDisposableStack();
  const weather = createWeather();
  const memory = watchMemory();
  const services = cleanup.use(await startServices(weather));
  const redis = await startRedis();
  cleanup.defer(() => redis.remove());
  const [front = 0, ...ports] = await freePorts(3);
  const haproxy = cleanup.use(await startHaproxy(front, ports));
  const publicUrl = `http://127.0.0.1:${front}`;
  const stateSecret = randomBytes(32).toString("base64");
  const replicas = cleanup.use(
    await startReplicas({
      configurations: ports.map((port) => ({
        ...{ port, publicUrl, stateSecret, server: 'trusted_proxies = ["127.0.0.1/32"]' },
        toml: `
[store]
url = "${redis.url}"
[tokens]
access_token_ttl = 120
[rate_limit]
per_address = 6000
per_client = 6000
${services.toml}`,
      })),
      ...{ haproxy, weather, memory },
    }),
  );

  const over = new AbortController();
  const working = work({ url: publicUrl, weather, usersOfEach: 8, restMs: 400, signal: over.signal });
  const events = { restarts: 0, bySignal: 0, reloads: 0, rotations: 0, hiccups: 0 };
  try {
    await Promise.all([operate(replicas, events), trouble(weather, events)]);
  } finally {
    over.abort();
  }
  const done = await working;
  const processes = memory.stop();
  printTable({ done, events, processes, services: services.provider });

  assert.deepEqual(done.failures, []);
  assert.deepEqual(services.provider.reuses, [], "a refresh token of the provider was used twice");
  assert.equal(services.provider.refusedTokens, 0);
  for (const kind of kinds) assert.ok(done.counts[kind].done > 0, kind);
  assert.ok(Math.min(...Object.values(events)) > 0, JSON.stringify(events));
  for (const process of processes) {
    const settled = flatness(process);
    if (settled === undefined) continue;
    assert.ok(settled.last - settled.first < growthMib, `${process.name} grew: ${JSON.stringify(settled)}`);
  }
});

type Events = { restarts: number; bySignal: number; reloads: number; rotations: number; hiccups: number };

/** Restarts in the first half, so that memory can be watched in the second; reloads and new secrets all the time. */
async function operate(replicas: Replicas, events: Events): Promise<void> {
  const restarts = Math.min(8, Math.max(2, 2 * Math.round(minutes * 0.4)));
  const plan: { at: number; act: () => Promise<void> }[] = [];
  for (let turn = 0; turn < restarts; turn++) {
    const replica = turn % 2;
    const act = async () => {
      const byTheBook = turn % 4 === 0 || turn % 4 === 3;
      events.restarts++;
      if (!byTheBook) events.bySignal++;
      await (byTheBook ? replicas.restartByTheBook(replica) : replicas.restartBySignal(replica));
    };
    plan.push({ at: 0.05 + 0.45 * turn / restarts, act });
  }
  for (const at of [0.3, 0.6, 0.8]) {
    plan.push({ at, act: () => (events.rotations++, replicas.rotate(randomBytes(32).toString("base64"))) });
  }
  for (let at = 0.02; at < 0.98; at += 0.025) plan.push({ at, act: () => (events.reloads++, replicas.reload()) });
  const startedAt = performance.now();
  for (const { at, act } of plan.sort((one, other) => one.at - other.at)) {
    await wait(Math.max(0, startedAt + at * lengthMs - performance.now()));
    await act();
  }
  await wait(Math.max(0, startedAt + lengthMs - performance.now()));
}

/** The providers fail in turn: a refusal for a moment, then for longer than anybody waits for an answer. */
async function trouble(weather: Weather, events: Events): Promise<void> {
  const ways: Hiccup[] = ["answers 503", "answers 429", "hangs"];
  const endsAt = performance.now() + lengthMs * 0.95;
  for (let turn = 0;; turn++) {
    await wait(Math.min(30_000, lengthMs / 12));
    const hiccup = ways[turn % ways.length]!;
    const lastsMs = hiccup === "hangs" ? Math.min(13_000, lengthMs / 10) : Math.min(5_000, lengthMs / 15);
    if (performance.now() + lastsMs > endsAt) return;
    events.hiccups++;
    weather.hiccup = hiccup;
    await during(weather.hiccups, () => wait(lastsMs), 12_000);
    weather.hiccup = undefined;
  }
}

function printTable({ done, events, processes, services }: {
  done: Work;
  events: Events;
  processes: MemoryOfProcess[];
  services: { refreshes: number; reuses: unknown[] };
}): void {
  const line = (...cells: unknown[]) => `| ${cells.join(" | ")} |`;
  const requests = kinds.map((kind) => {
    const { done: fine, byRestart, byProvider, failed } = done.counts[kind];
    return line(kind, fine, byRestart, byProvider, failed);
  });
  const lives = processes.map((process) => {
    const settled = flatness(process);
    const lived = (process.samples.at(-1)?.minute ?? 0).toFixed(1);
    const mib = settled === undefined ? ["", "", ""] : [settled.first, settled.last, settled.highest];
    return line(process.name, lived, ...mib.map((value) => typeof value === "number" ? value.toFixed(1) : value));
  });
  console.log([
    `\n${minutes} minutes; ${JSON.stringify(events)}; longest attempt with its repetitions ${
      Math.round(done.longestMs)
    } ms`,
    `at the rotating provider: ${services.refreshes} refreshes, ${services.reuses.length} refresh tokens used twice`,
    line("requests", "done", "cut or turned away by a restart", "provider failed", "failed"),
    line("---", "---", "---", "---", "---"),
    ...requests,
    line("process", "minutes", "MiB, first third from minute 2 on", "MiB, last third", "MiB, highest"),
    line("---", "---", "---", "---", "---"),
    ...lives,
    ...done.failures,
  ].join("\n"));
}

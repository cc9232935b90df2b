import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRedisStore } from "../../lib/store/redis_store.ts";
import { createResilientStore } from "../../lib/store/resilient_store.ts";
import { type Store, StoreUnavailableError } from "../../lib/store/store.ts";
import type { Fields, Level, Log } from "../../lib/telemetry/log.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/programs.ts";
import { startRedis } from "../support/redis_server.ts";
import { testStoreContract } from "./contract.ts";

const start = 1_800_000_000;

/** A resilient store before a primary that can be taken away; `other` is the primary as another replica sees it. */
function setUp() {
  let time = start;
  let failing = false;
  const now = () => time;
  const other = createMemoryStore({ now });
  const asked: string[] = [];
  const unlessFailing = <A extends unknown[], R>(name: string, method: (...args: A) => Promise<R>) => (...args: A) => {
    asked.push(name);
    return failing ? Promise.reject(new StoreUnavailableError("the fake is away")) : method(...args);
  };
  const primary: Store = {
    durable: true,
    putIfAbsent: unlessFailing("putIfAbsent", other.putIfAbsent),
    put: unlessFailing("put", other.put),
    get: unlessFailing("get", other.get),
    delete: unlessFailing("delete", other.delete),
    close: other.close,
  };
  const { log, events, logged } = watchedLog();
  const store = createResilientStore(primary, { kind: "redis", now, log });
  return {
    store,
    other,
    asked,
    events,
    logged,
    now,
    advance: (seconds: number) => void (time += seconds),
    fail: () => void (failing = true),
    mend: () => void (failing = false),
    /** Mends the primary and waits until the store asks it again. */
    async recover() {
      failing = false;
      time += 1;
      const recovered = logged("store_recovered");
      store.status();
      await recovered;
    },
  };
}

/** A log that can be waited for. */
function watchedLog() {
  const events: { level: Level; event: string; fields?: Fields }[] = [];
  const waiting = new Map<string, () => void>();
  const write = (level: Level) => (event: string, fields?: Fields) => {
    events.push({ level, event, fields });
    waiting.get(event)?.();
  };
  const log: Log = {
    fatal: write("fatal"),
    error: write("error"),
    warning: write("warning"),
    info: write("info"),
    debug: write("debug"),
    trace: write("trace"),
  };
  return { log, events, logged: (event: string) => new Promise<void>((resolve) => waiting.set(event, resolve)) };
}

testStoreContract("resilient", {
  shared: false,
  durable: true,
  create: async () => {
    const { store, now, advance } = setUp();
    return { store, now, advance, remove: () => store.close() };
  },
});

testStoreContract("resilient (primary away)", {
  shared: false,
  durable: false,
  create: async () => {
    const { store, now, advance, fail } = setUp();
    fail();
    return { store, now, advance, remove: () => store.close() };
  },
});

test("resilient store goes on without its primary and says so once", async () => {
  const { store, events, fail } = setUp();
  assert.deepEqual(store.status(), { healthy: true, kind: "redis" });
  fail();
  assert.equal(await store.putIfAbsent("code:a", "spent", start + 60), undefined);
  assert.equal(await store.putIfAbsent("code:a", "spent", start + 60), "spent");
  await store.put("answer:a", "sealed", start + 60);
  assert.equal(await store.get("answer:a"), "sealed");
  assert.deepEqual(store.status(), { healthy: false, kind: "redis", since: start });
  assert.deepEqual(events.map(({ level, event }) => [level, event]), [["error", "store_unavailable"]]);
});

test("resilient store honours during an outage what this process wrote before it", async () => {
  const { store, fail } = setUp();
  await store.putIfAbsent("code:a", "spent", start + 60);
  await store.put("answer:a", "sealed", start + 60);
  await store.put("lease:a", "holder", start + 60);
  await store.delete("lease:a");
  fail();
  assert.equal(await store.putIfAbsent("code:a", "again", start + 60), "spent");
  assert.equal(await store.get("answer:a"), "sealed");
  assert.equal(await store.get("lease:a"), undefined);
});

test("resilient store brings to the primary what was written while it was away, for the other replicas", async () => {
  const { store, other, fail, recover, events } = setUp();
  await store.put("lease:a", "holder", start + 60);
  fail();
  await store.putIfAbsent("code:a", "spent", start + 60);
  await store.put("answer:a", "first", start + 60);
  await store.put("answer:a", "second", start + 60);
  await store.delete("lease:a");
  await recover();
  assert.deepEqual(store.status(), { healthy: true, kind: "redis" });
  assert.equal(await other.get("code:a"), "spent");
  assert.equal(await other.get("answer:a"), "second");
  assert.equal(await other.get("lease:a"), undefined);
  assert.deepEqual(events.at(-1), {
    level: "info",
    event: "store_recovered",
    fields: { kind: "redis", down_seconds: 1, delivered: 3 },
  });
});

test("resilient store honours after the outage what it claimed during it", async () => {
  const { store, fail, recover } = setUp();
  fail();
  await store.putIfAbsent("code:a", "spent", start + 60);
  await recover();
  assert.equal(await store.putIfAbsent("code:a", "again", start + 60), "spent");
});

test("resilient store does not overrule another replica that claimed first", async () => {
  const { store, other, fail, recover } = setUp();
  await other.putIfAbsent("lease:a", "another replica", start + 60);
  fail();
  assert.equal(await store.putIfAbsent("lease:a", "us", start + 60), undefined);
  await recover();
  assert.equal(await store.get("lease:a"), "another replica");
});

test("resilient store keeps answering from memory when the primary fails again during recovery", async () => {
  const { store, other, fail, mend, advance, recover, events } = setUp();
  fail();
  await store.putIfAbsent("code:a", "spent", start + 60);
  mend();
  const putIfAbsent = other.putIfAbsent;
  other.putIfAbsent = () => Promise.reject(new StoreUnavailableError("away again"));
  advance(1);
  store.status();
  assert.equal(await store.putIfAbsent("code:a", "again", start + 60), "spent");
  assert.equal(store.status().healthy, false);
  other.putIfAbsent = putIfAbsent;
  await recover();
  assert.equal(await other.get("code:a"), "spent");
  assert.equal(events.filter(({ event }) => event === "store_unavailable").length, 1);
});

test("resilient store asks a lost primary once a second, not with every request", async () => {
  const { store, asked, fail, advance } = setUp();
  fail();
  await store.get("code:a");
  asked.length = 0;
  for (let i = 0; i < 50; i++) await store.get("code:a");
  assert.deepEqual(asked, []);
  advance(1);
  for (let i = 0; i < 50; i++) await store.get("code:a");
  assert.deepEqual(asked, ["put"]);
});

test("resilient store notices a lost primary without traffic, when its status is asked (/readyz)", async () => {
  const { store, fail, advance, logged } = setUp();
  fail();
  const noticed = logged("store_unavailable");
  advance(5);
  store.status();
  await noticed;
  assert.equal(store.status().healthy, false);
});

test("resilient store passes on errors that are not an outage", async () => {
  const { other } = setUp();
  const broken = createResilientStore({ ...other, get: () => Promise.reject(new TypeError("a mistake of ours")) }, {
    kind: "sqlite",
    now: () => start,
    log: watchedLog().log,
  });
  await assert.rejects(broken.get("code:a"), TypeError);
  assert.equal(broken.status().healthy, true);
});

test("resilient store over real Redis: claims before, during and after an outage hold", {
  skip: needs("redis-server"),
}, async () => {
  let time = start;
  const now = () => time;
  const redis = await startRedis();
  const { log, events } = watchedLog();
  const store = createResilientStore(await createRedisStore(redis.url, { now }), { kind: "redis", now, log });
  const replica = await createRedisStore(redis.url, { now });
  try {
    assert.equal(await store.putIfAbsent("code:before", "spent", start + 600), undefined);
    await redis.kill();
    assert.equal(await store.putIfAbsent("code:before", "spent", start + 600), "spent");
    assert.equal(await store.putIfAbsent("code:during", "spent", start + 600), undefined);
    assert.equal(await store.putIfAbsent("code:during", "spent", start + 600), "spent");
    assert.equal(store.status().healthy, false);
    await redis.start();
    await eventually(async () => {
      time += 1;
      assert.equal(store.status().healthy, true);
    });
    assert.equal(await eventually(() => replica.putIfAbsent("code:during", "spent", start + 600)), "spent");
    assert.equal(await store.putIfAbsent("code:before", "spent", start + 600), undefined, "Redis itself forgot");
    assert.deepEqual(events.map(({ event }) => event), ["store_unavailable", "store_recovered"]);
  } finally {
    await store.close();
    await replica.close();
    await redis.remove();
  }
});

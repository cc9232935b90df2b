import assert from "node:assert/strict";
import { test } from "node:test";
import { createLeases } from "../../lib/store/lease.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";

function setup() {
  const clock = { now: 1_800_000_000 };
  const now = () => clock.now;
  const store = createMemoryStore({ now });
  return { clock, store, replica: () => createLeases({ store, now }) };
}

test("work under one key never overlaps, in one process and across several", async () => {
  const { replica } = setup();
  const replicas = [replica(), replica()];
  let running = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    running--;
  };
  await Promise.all(Array.from({ length: 12 }, (_, i) => replicas[i % 2]!.hold("grant", work)));
  assert.equal(most, 1);
});

test("work under other keys does not wait", async () => {
  const leases = setup().replica();
  let release = () => {};
  const held = leases.hold("one", () => new Promise<void>((settle) => release = settle));
  assert.equal(await leases.hold("two", () => Promise.resolve("done")), "done");
  release();
  await held;
});

test("work that throws frees the key for the next", async () => {
  const { replica, store } = setup();
  const leases = replica();
  await assert.rejects(leases.hold("grant", () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await leases.hold("grant", () => Promise.resolve("done")), "done");
  assert.equal(await store.get("lease:grant"), undefined);
});

test("the lease of a process that died ends by itself after 5 seconds", async () => {
  const { replica, clock } = setup();
  const forEver = Promise.withResolvers<void>();
  const dead = replica().hold("grant", () => forEver.promise);
  const waiting = replica().hold("grant", () => Promise.resolve("done"));
  await Promise.resolve();
  clock.now += 5;
  assert.equal(await waiting, "done");
  forEver.resolve();
  await dead;
});

test("work that takes longer than a lease keeps it", async () => {
  const { store, clock } = setup();
  const prolonged = Promise.withResolvers<void>();
  const watched = {
    ...store,
    put: (...entry: Parameters<typeof store.put>) => store.put(...entry).then(prolonged.resolve),
  };
  const work = Promise.withResolvers<void>();
  const held = createLeases({ store: watched, now: () => clock.now }).hold("grant", () => work.promise);
  clock.now += 4;
  await prolonged.promise;
  clock.now += 4;
  assert.notEqual(await store.get("lease:grant"), undefined);
  work.resolve();
  await held;
  assert.equal(await store.get("lease:grant"), undefined);
});

test("a holder that was too slow does not free the lease of the next one", async () => {
  const { replica, store, clock } = setup();
  await replica().hold("grant", async () => {
    clock.now += 21;
    await store.putIfAbsent("lease:grant", "next", clock.now + 20);
  });
  assert.equal(await store.get("lease:grant"), "next");
});

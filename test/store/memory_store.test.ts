import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createMemoryTable } from "../../lib/store/memory_table.ts";
import { testStoreContract } from "./contract.ts";

testStoreContract("memory", {
  shared: false,
  durable: false,
  create: async () => {
    let time = 1_800_000_000;
    const now = () => time;
    const store = createMemoryStore({ now });
    return { store, now, advance: (seconds) => void (time += seconds), remove: () => store.close() };
  },
});

test("memory store lets the oldest go when one kind of entry is full (S2-39)", async () => {
  const store = createMemoryStore({ now: () => 0, maxEntries: 3 });
  for (const id of ["a", "b", "c", "a", "d"]) await store.put(`code:${id}`, "spent", 60);
  assert.deepEqual(await Promise.all(["a", "b", "c", "d"].map((id) => store.get(`code:${id}`))), [
    "spent",
    undefined,
    "spent",
    "spent",
  ]);
});

test("memory store lets the oldest go when the entries of one kind are too large together (S2-39)", async () => {
  const store = createMemoryStore({ now: () => 0, maxCharacters: 100 });
  for (const id of ["a", "b", "c"]) await store.put(`answer:${id}`, "x".repeat(40), 60);
  assert.equal(await store.get("answer:a"), undefined);
  assert.equal((await store.get("answer:b"))?.length, 40);
  await store.put("answer:b", "small", 60);
  await store.put("answer:d", "x".repeat(20), 60);
  assert.equal((await store.get("answer:c"))?.length, 40);
});

test("memory store forgets no spent code when strangers start any number of sign-ins (S2-39, S2-40)", async () => {
  const store = createMemoryStore({ now: () => 0, maxEntries: 100 });
  await store.putIfAbsent("code:mine", "spent", 60);
  for (let i = 0; i < 1000; i++) await store.put(`flow:${i}`, "flood", 60);
  assert.equal(await store.putIfAbsent("code:mine", "spent", 60), "spent");
});

test("memory store keeps every revocation and every spent refresh token through 100,000 others, and tells when it can't (S2-39)", async () => {
  const full: string[] = [];
  const store = createMemoryStore({ now: () => 0, onFull: (kind) => full.push(kind) });
  for (const kind of ["revoked", "spent"]) {
    await store.put(`${kind}:victim`, "1", 60);
    for (let i = 0; i < 100_000; i++) await store.put(`${kind}:${i}`, "1", 60);
    assert.equal(await store.get(`${kind}:victim`), "1");
  }
  assert.deepEqual(full, []);
  for (let i = 0; i <= 60_000; i++) await store.put(`state:${i}`, "used", 60);
  assert.deepEqual(full, ["state"]);
});

test("memory store lets expired entries go before live ones, wherever they stand (S2-39)", async () => {
  let time = 0;
  const store = createMemoryStore({ now: () => time, maxEntries: 100 });
  for (let i = 0; i < 20; i++) await store.put(`spent:long ${i}`, "spent", 1000);
  for (let i = 0; i < 80; i++) await store.put(`spent:short ${i}`, "spent", 10);
  time = 10;
  for (let i = 0; i < 40; i++) await store.put(`spent:new ${i}`, "spent", 1000);
  for (let i = 0; i < 20; i++) assert.equal(await store.get(`spent:long ${i}`), "spent");
});

test("memory store costs the same per call when it is full as when it is empty (S2-39)", () => {
  const table = createMemoryTable({ now: () => 0, maxEntries: 20_000 });
  const fill = (from: number) => {
    const started = performance.now();
    for (let i = from; i < from + 20_000; i++) table.set(`code:${i}`, "spent", 60);
    return performance.now() - started;
  };
  const empty = fill(0);
  const full = Math.min(...[1, 2, 3].map((round) => fill(round * 20_000)));
  // A cost that grew with the entries would be thousands of times as much.
  assert.ok(full < empty * 20 + 50, `20,000 writes: ${empty} ms into an empty table, ${full} ms into a full one`);
});

// What every store does. Run by the test file of each.
import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreEntryTooLargeError } from "../../lib/store/entry_limits.ts";
import type { Store } from "../../lib/store/store.ts";
import { startStoreProcess } from "../support/store_process.ts";

export interface StoreHarness {
  store: Store;
  /** The store's clock, seconds since the epoch. */
  now(): number;
  /** Moves the clock of the store, and of the server behind it. */
  advance(seconds: number): Promise<void> | void;
  /** Where another process finds the same store; absent for a store of one process. */
  url?: string;
  /** Closes the store and ends what is behind it. */
  remove(): Promise<void>;
}

export interface ContractOptions {
  create: () => Promise<StoreHarness>;
  skip?: string | undefined;
  /** Several processes share the store. */
  shared: boolean;
  /** What is written outlives the process. */
  durable: boolean;
}

/** Declares the tests of the contract for one kind of store. */
export function testStoreContract(kind: string, { create, skip, shared, durable }: ContractOptions): void {
  const run = (behaviour: string, body: (harness: StoreHarness) => Promise<void>) =>
    test(`${kind} store ${behaviour}`, { skip }, async () => {
      const harness = await create();
      try {
        await body(harness);
      } finally {
        await harness.remove();
      }
    });

  run("remembers a value until the second in which it expires", async ({ store, now, advance }) => {
    await store.put("answer:a", "first", now() + 10);
    assert.equal(await store.get("answer:a"), "first");
    await advance(9);
    assert.equal(await store.get("answer:a"), "first");
    await advance(1);
    assert.equal(await store.get("answer:a"), undefined);
  });

  run("claims once, tells the second caller what is there, and claims again after expiry", async (harness) => {
    const { store, now, advance } = harness;
    assert.equal(await store.putIfAbsent("code:a", "first", now() + 10), undefined);
    assert.equal(await store.putIfAbsent("code:a", "second", now() + 99), "first");
    assert.equal(await store.get("code:a"), "first");
    await advance(10);
    assert.equal(await store.putIfAbsent("code:a", "third", now() + 10), undefined);
    assert.equal(await store.get("code:a"), "third");
  });

  run("lets exactly one of 64 parallel callers claim (S1-30, S2-38)", async ({ store, now }) => {
    const expiresAt = now() + 60;
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, caller) => store.putIfAbsent("code:contended", `caller ${caller}`, expiresAt)),
    );
    assert.equal(answers.filter((answer) => answer === undefined).length, 1);
    const winner = await store.get("code:contended");
    assert.equal(winner, `caller ${answers.indexOf(undefined)}`);
    assert.equal(answers.filter((answer) => answer === winner).length, 63);
  });

  run("overwrites the value and its expiry", async ({ store, now, advance }) => {
    await store.put("answer:a", "first", now() + 10);
    await store.put("answer:a", "second", now() + 20);
    await advance(15);
    assert.equal(await store.get("answer:a"), "second");
    await store.put("answer:a", "third", now() + 1);
    await advance(1);
    assert.equal(await store.get("answer:a"), undefined);
  });

  run("deletes, also what is not there", async ({ store, now }) => {
    await store.put("lease:a", "holder", now() + 10);
    await store.delete("lease:a");
    await store.delete("lease:absent");
    assert.equal(await store.get("lease:a"), undefined);
    assert.equal(await store.putIfAbsent("lease:a", "next holder", now() + 10), undefined);
  });

  run("takes what is already expired as absent", async ({ store, now }) => {
    await store.put("answer:a", "first", now() + 10);
    await store.put("answer:a", "late", now());
    assert.equal(await store.get("answer:a"), undefined);
    assert.equal(await store.putIfAbsent("answer:a", "too late", now() - 1), undefined);
    assert.equal(await store.get("answer:a"), undefined);
  });

  run("returns values of every length and alphabet unchanged, up to 64 KiB", async ({ store, now }) => {
    const values = ["", "0", "null", "line\nbreak", "Ünïcödé 🔑", "'; DROP TABLE entry; --", "x".repeat(64 * 1024)];
    for (const [i, value] of values.entries()) {
      await store.put(`answer:${i}`, value, now() + 10);
      assert.equal(await store.get(`answer:${i}`), value);
      assert.equal(await store.putIfAbsent(`answer:${i}`, "other", now() + 10), value);
    }
  });

  run("refuses what is too large and stores nothing of it (S2-39)", async ({ store, now }) => {
    await store.put("answer:a", "kept", now() + 10);
    const tooLarge = ["x".repeat(64 * 1024 + 1), "é".repeat(32 * 1024 + 1)];
    for (const value of tooLarge) {
      await assert.rejects(store.put("answer:a", value, now() + 10), StoreEntryTooLargeError);
      await assert.rejects(store.putIfAbsent("answer:b", value, now() + 10), StoreEntryTooLargeError);
    }
    const longKey = `answer:${"k".repeat(194)}`;
    await assert.rejects(store.put(longKey, "", now() + 10), StoreEntryTooLargeError);
    assert.equal(await store.get("answer:a"), "kept");
    assert.equal(await store.get("answer:b"), undefined);
    assert.equal(await store.get(longKey), undefined);
  });

  run("says whether what it was told outlives the process", async ({ store, now }) => {
    await store.put("answer:a", "sealed", now() + 10);
    assert.equal(store.durable, durable);
  });

  run(shared ? "keeps a bucket for all who share it" : "has no bucket for others to share", async (harness) => {
    const { store, advance } = harness;
    if (store.draw === undefined) return assert.equal(shared, false);
    const bucket = { size: 3, intervalMs: 10_000 };
    const draws = await Promise.all(Array.from({ length: 64 }, () => store.draw!("limit:a", bucket)));
    assert.equal(draws.filter((waitMs) => waitMs === 0).length, 3);
    assert.ok(draws.every((waitMs) => waitMs! >= 0 && waitMs! <= 10_000));
    assert.equal(await store.draw("limit:b", bucket), 0);
    await advance(20);
    const [first, second, third] = [1, 2, 3].map(() => store.draw!("limit:a", bucket));
    assert.deepEqual([await first, await second], [0, 0]);
    const waitMs = await third;
    assert.ok(waitMs! > 5_000 && waitMs! <= 10_000, `${waitMs} ms`);
    await advance(3600);
    assert.equal(await store.draw("limit:a", bucket), 0);
  });

  if (!shared) return;
  run("gives each of 300 ids to exactly one of two processes (S2-41)", async ({ url, now }) => {
    const processes = await Promise.all([startStoreProcess(url!, now()), startStoreProcess(url!, now())]);
    try {
      const ids = Array.from({ length: 300 }, (_, i) => `code:${i}`);
      const claimed = await Promise.all(processes.map((process) => process.claim(ids)));
      assert.deepEqual(claimed.flat().sort(), ids.toSorted());
    } finally {
      await Promise.all(processes.map((process) => process.kill()));
    }
  });
}

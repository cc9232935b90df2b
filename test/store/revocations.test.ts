import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { type Store, StoreUnavailableError } from "../../lib/store/store.ts";
import type { Log } from "../../lib/telemetry/log.ts";

const start = 1_800_000_000;

/** Two processes that share a store; `lookups` lists what the store was asked for. */
function setUp() {
  let time = start;
  const now = () => time;
  const shared = createMemoryStore({ now });
  const lookups: string[] = [];
  const warnings: string[] = [];
  let failing = false;
  const store: Store = {
    ...shared,
    get(key) {
      lookups.push(key);
      return failing ? Promise.reject(new StoreUnavailableError("the fake is away")) : shared.get(key);
    },
    put: (...entry) => failing ? Promise.reject(new StoreUnavailableError("the fake is away")) : shared.put(...entry),
  };
  const silent = () => {};
  const log: Log = {
    ...{ fatal: silent, error: silent, info: silent, debug: silent, trace: silent },
    warning: (event) => void warnings.push(event),
  };
  return {
    here: createRevocations({ store, now, log }),
    there: createRevocations({ store, now, log }),
    lookups,
    warnings,
    advance: (seconds: number) => void (time += seconds),
    fail: () => void (failing = true),
    mend: () => void (failing = false),
  };
}

test("a revoked grant is refused at once by the process that revoked it, even while it was being asked about", async () => {
  const { here } = setUp();
  assert.equal(await here.isRevoked("a"), false);
  const asking = here.isRevoked("b");
  const revoking = [here.revoke("a", start + 600), here.revoke("b", start + 600)];
  assert.equal(await here.isRevoked("a"), true);
  assert.equal(await asking, true);
  assert.equal(await here.isRevoked("another"), false);
  await Promise.all(revoking);
});

test("a revoked grant is refused within five seconds by the other processes", async () => {
  const { here, there, advance } = setUp();
  assert.equal(await there.isRevoked("a"), false);
  await here.revoke("a", start + 600);
  advance(5);
  assert.equal(await there.isRevoked("a"), true);
});

test("who hands out new tokens asks the store at once, whatever was known a moment ago", async () => {
  const { here, there } = setUp();
  assert.equal(await there.isRevoked("a"), false);
  await here.revoke("a", start + 600);
  assert.equal(await there.isRevoked("a", { askNow: true }), true);
  assert.equal(await there.isRevoked("a"), true);
});

test("a process that never saw the grant learns from the store that it is revoked", async () => {
  const { here, there } = setUp();
  await here.revoke("a", start + 600);
  assert.equal(await there.isRevoked("a"), true);
});

test("the store is asked once in five seconds for a grant, whatever the traffic", async () => {
  const { here, lookups, advance } = setUp();
  await Promise.all(Array.from({ length: 50 }, () => here.isRevoked("a")));
  for (let i = 0; i < 50; i++) await here.isRevoked("a");
  assert.deepEqual(lookups, ["revoked:a"]);
  advance(5);
  for (let i = 0; i < 50; i++) await here.isRevoked("a");
  assert.deepEqual(lookups, ["revoked:a", "revoked:a"]);
});

test("the store is not asked again for a grant that is known to be revoked", async () => {
  const { here, there, lookups, advance } = setUp();
  await here.revoke("a", start + 600);
  await there.isRevoked("a");
  advance(60);
  assert.equal(await there.isRevoked("a"), true);
  assert.equal(await here.isRevoked("a"), true);
  assert.deepEqual(lookups, ["revoked:a"]);
});

test("a revocation is forgotten when the last token of the grant has expired", async () => {
  const { here, there, advance } = setUp();
  await here.revoke("a", start + 600);
  await there.isRevoked("a");
  advance(600);
  assert.equal(await here.isRevoked("a"), false);
  assert.equal(await there.isRevoked("a"), false);
});

test("while the store is away, traffic goes on, what is known stays refused, and the log says so once", async () => {
  const { here, lookups, warnings, advance, fail, mend } = setUp();
  await here.revoke("a", start + 600);
  fail();
  for (const grant of ["b", "c", "b", "c"]) assert.equal(await here.isRevoked(grant), false);
  assert.equal(await here.isRevoked("a"), true);
  assert.deepEqual(lookups, ["revoked:b", "revoked:c"], "a store that is away is not asked with every request either");
  assert.deepEqual(warnings, ["revocation_unchecked"]);
  await assert.rejects(here.revoke("b", start + 600), StoreUnavailableError);
  assert.equal(await here.isRevoked("b"), true, "this process took note all the same");
  advance(5);
  mend();
  assert.equal(await here.isRevoked("c"), false);
  assert.equal(warnings.length, 1);
});

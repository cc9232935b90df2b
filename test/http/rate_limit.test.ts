import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimit } from "../../lib/http/rate_limit.ts";
import { createRateLimits } from "../../lib/http/rate_limits.ts";

function setUp(perMinute: number, maxKeys?: number) {
  const clock = { now: 1_000 };
  const limit = createRateLimit({ perMinute, now: () => clock.now, maxKeys });
  const takeMany = async (key: string, count: number) => {
    const answers = await Promise.all(Array.from({ length: count }, () => limit.take(key)));
    return answers.map(({ allowed }) => allowed);
  };
  return { clock, limit, takeMany };
}

test("a minute's worth may come at once, then one whenever its part of the minute has passed", async () => {
  const { clock, limit, takeMany } = setUp(6);
  assert.deepEqual(await takeMany("a", 7), [true, true, true, true, true, true, false]);
  assert.deepEqual(await limit.take("a"), { allowed: false, retryAfterSeconds: 10 });
  clock.now += 9;
  assert.deepEqual(await limit.take("a"), { allowed: false, retryAfterSeconds: 1 });
  clock.now += 1;
  assert.deepEqual(await limit.take("a"), { allowed: true, retryAfterSeconds: 0 });
  assert.equal((await limit.take("a")).allowed, false);
});

test("asking while refused does not put the next one off", async () => {
  const { clock, takeMany } = setUp(60);
  await takeMany("a", 60);
  assert.ok((await takeMany("a", 1_000)).every((allowed) => !allowed));
  clock.now += 1;
  assert.deepEqual(await takeMany("a", 2), [true, false]);
});

test("a bucket never holds more than a minute's worth, and a clock set back changes nothing", async () => {
  const { clock, takeMany } = setUp(3);
  await takeMany("a", 3);
  clock.now += 86_400;
  assert.deepEqual(await takeMany("a", 4), [true, true, true, false]);
  clock.now -= 3_600;
  assert.deepEqual(await takeMany("a", 1), [false]);
  clock.now += 20;
  assert.deepEqual(await takeMany("a", 2), [true, false]);
});

test("each key has its own bucket", async () => {
  const { takeMany } = setUp(1);
  assert.deepEqual([...await takeMany("a", 2), ...await takeMany("b", 2)], [true, false, true, false]);
});

test("0 allows everything", async () => {
  assert.ok((await setUp(0).takeMany("a", 10_000)).every((allowed) => allowed));
});

test("beyond maxKeys the key that has been quiet longest is forgotten", async () => {
  const { limit } = setUp(1, 2);
  for (const key of ["a", "b", "a", "c"]) await limit.take(key);
  assert.equal((await limit.take("a")).allowed, false, "a was used after b");
  assert.equal((await limit.take("c")).allowed, false);
  assert.equal((await limit.take("b")).allowed, true, "b was forgotten");
});

test("a bucket that others share: what they took is missing here, and a refusal is kept without asking again", async () => {
  const clock = { now: 1_000 };
  let left = 2;
  let asked = 0;
  const draw = async (_: string, { intervalMs }: { intervalMs: number }) => {
    asked++;
    return left-- > 0 ? 0 : intervalMs;
  };
  const [here, there] = [1, 2].map(() => createRateLimit({ perMinute: 6, now: () => clock.now, draw }));
  assert.equal((await here!.take("a")).allowed, true);
  assert.equal((await there!.take("a")).allowed, true);
  assert.deepEqual(await here!.take("a"), { allowed: false, retryAfterSeconds: 10 });
  clock.now += 9;
  assert.deepEqual(await here!.take("a"), { allowed: false, retryAfterSeconds: 1 });
  assert.equal(asked, 3);
  clock.now += 1;
  left = 1;
  assert.equal((await here!.take("a")).allowed, true);
});

test("while the shared bucket can't be asked each process counts for itself", async () => {
  const limit = createRateLimit({ perMinute: 2, now: () => 1_000, draw: async () => undefined });
  const answers = [await limit.take("a"), await limit.take("a"), await limit.take("a")];
  assert.deepEqual(answers.map(({ allowed }) => allowed), [true, true, false]);
});

test("S2-39: 25,000 clients with long ids are remembered in a few megabytes", async () => {
  const limits = createRateLimits({ perAddress: 10, perClient: 10 }, { now: () => 1_000 });
  const long = "x".repeat(2_000);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 25_000; i++) await limits.checkClient(Buffer.from(`${long}${i}`).toString("latin1"), "192.0.2.1");
  const grownMb = (process.memoryUsage().heapUsed - before) / 1e6;
  assert.ok(grownMb < 30, `${grownMb} MB`);
  await limits.checkClient(long, "192.0.2.1"); // still alive: else the memory could have been freed
});

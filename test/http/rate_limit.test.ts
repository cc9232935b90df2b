import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimit } from "../../lib/http/rate_limit.ts";

function setUp(perMinute: number, maxKeys?: number) {
  const clock = { now: 1_000 };
  const limit = createRateLimit({ perMinute, now: () => clock.now, maxKeys });
  const takeMany = (key: string, count: number) => Array.from({ length: count }, () => limit.take(key).allowed);
  return { clock, limit, takeMany };
}

test("a minute's worth may come at once, then one whenever its part of the minute has passed", () => {
  const { clock, limit, takeMany } = setUp(6);
  assert.deepEqual(takeMany("a", 7), [true, true, true, true, true, true, false]);
  assert.deepEqual(limit.take("a"), { allowed: false, retryAfterSeconds: 10 });
  clock.now += 9;
  assert.deepEqual(limit.take("a"), { allowed: false, retryAfterSeconds: 1 });
  clock.now += 1;
  assert.deepEqual(limit.take("a"), { allowed: true, retryAfterSeconds: 0 });
  assert.equal(limit.take("a").allowed, false);
});

test("asking while refused does not put the next one off", () => {
  const { clock, takeMany } = setUp(60);
  takeMany("a", 60);
  assert.ok(takeMany("a", 1_000).every((allowed) => !allowed));
  clock.now += 1;
  assert.deepEqual(takeMany("a", 2), [true, false]);
});

test("a bucket never holds more than a minute's worth, and a clock set back changes nothing", () => {
  const { clock, takeMany } = setUp(3);
  takeMany("a", 3);
  clock.now += 86_400;
  assert.deepEqual(takeMany("a", 4), [true, true, true, false]);
  clock.now -= 3_600;
  assert.deepEqual(takeMany("a", 1), [false]);
  clock.now += 20;
  assert.deepEqual(takeMany("a", 2), [true, false]);
});

test("each key has its own bucket", () => {
  const { takeMany } = setUp(1);
  assert.deepEqual([...takeMany("a", 2), ...takeMany("b", 2)], [true, false, true, false]);
});

test("0 allows everything", () => {
  assert.ok(setUp(0).takeMany("a", 10_000).every((allowed) => allowed));
});

test("beyond maxKeys the key that has been quiet longest is forgotten", () => {
  const { limit } = setUp(1, 2);
  for (const key of ["a", "b", "a", "c"]) limit.take(key);
  assert.equal(limit.take("a").allowed, false, "a was used after b");
  assert.equal(limit.take("c").allowed, false);
  assert.equal(limit.take("b").allowed, true, "b was forgotten");
});

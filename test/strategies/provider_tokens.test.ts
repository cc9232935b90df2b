// The newest provider tokens in a store that lasts: nothing that the provider rotated is lost or used twice.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { Grant } from "../../lib/oauth/grant.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { type Store, StoreUnavailableError } from "../../lib/store/store.ts";
import { chainedSetup, type ChainedSetupOptions, durableStore } from "../support/chained_setup.ts";
import { type FakeProvider, startFakeProvider } from "../support/fake_provider.ts";

const running: FakeProvider[] = [];
afterEach(async () => {
  for (const provider of running.splice(0)) {
    assert.equal(provider.refreshTokensUsedTwice, 0, "a refresh token was used twice");
    await provider.stop();
  }
});

/** A provider that rotates, and as many replicas on one store as asked for. */
async function replicas(count = 1, options: ChainedSetupOptions = {}) {
  const provider = await startFakeProvider({ rotate: true });
  running.push(provider);
  const clock = { now: 1_800_000_000 };
  const store = options.store ?? durableStore(clock);
  const all = Array.from({ length: count }, () => chainedSetup(provider, { clock, ...options, store }));
  const refreshes = () => provider.tokenRequests.filter(({ form }) => form.grant_type === "refresh_token").length;
  return { provider, clock, store, all, refreshes, setup: all[0]! };
}

const useOf = (grant: Grant) => ({ grantId: grant.id, credential: grant.credential!.value });

test("S1-46: a downstream 401 on a live token is one refresh, and the new credential goes downstream from then on", async () => {
  const { provider, clock, setup, refreshes } = await replicas();
  const grant = await setup.signIn();
  const use = useOf(grant);
  clock.now += 100;
  const next = await setup.strategy.replace!(use, use.credential, clock.now);
  assert.ok(provider.live.has(next!));
  assert.equal(setup.strategy.current!(use), next);
  assert.equal(setup.strategy.current!({ grantId: grant.id, credential: next! }), undefined);
  assert.equal(refreshes(), 1);
});

test("S1-46: parallel requests with the refused credential, at several replicas, refresh once", async () => {
  const { clock, all, refreshes } = await replicas(3);
  const grant = await all[0]!.signIn();
  const use = useOf(grant);
  clock.now += 100;
  const calls = all.flatMap(({ strategy }) =>
    [1, 2, 3, 4].map(() => strategy.replace!(use, use.credential, clock.now))
  );
  assert.equal(new Set(await Promise.all(calls)).size, 1);
  assert.equal(refreshes(), 1);
});

test("a credential that is refused right after it was refreshed is not refreshed again and again", async () => {
  const { clock, setup, refreshes } = await replicas();
  const use = useOf(await setup.signIn());
  const next = (await setup.strategy.replace!(use, use.credential, clock.now))!;
  assert.equal(await setup.strategy.replace!(use, next, clock.now + 59), undefined);
  assert.equal(refreshes(), 1);
  assert.ok(await setup.strategy.replace!(use, next, clock.now + 60));
});

test("the client's refresh after that gets what was obtained, without asking the provider", async () => {
  const { clock, setup, refreshes } = await replicas();
  const grant = await setup.signIn();
  const use = useOf(grant);
  clock.now += 100;
  const next = await setup.strategy.replace!(use, use.credential, clock.now);
  const renewed = await setup.strategy.renew(grant, clock.now);
  assert.equal(renewed.credential!.value, next);
  assert.equal(refreshes(), 1);
  await setup.strategy.renew(renewed, clock.now);
  assert.equal(refreshes(), 2);
});

test("an answer that was lost with its process: the same refresh token gets the same provider tokens", async () => {
  const { clock, all, refreshes } = await replicas(2);
  const grant = await all[0]!.signIn();
  const lost = await all[0]!.strategy.renew(grant, clock.now);
  const again = await all[1]!.strategy.renew(grant, clock.now);
  assert.deepEqual(again.credential, lost.credential);
  assert.equal(refreshes(), 1);
});

test("what was kept and is about to expire is refreshed with its own refresh token, not with the client's older one", async () => {
  const { provider, clock, setup, refreshes } = await replicas();
  const grant = await setup.signIn();
  await setup.strategy.renew(grant, clock.now);
  clock.now += 3600;
  const renewed = await setup.strategy.renew(grant, clock.now);
  assert.ok(provider.live.has(renewed.credential!.value));
  assert.equal(refreshes(), 2);
});

test("1,000 refreshes at 4 replicas, a fifth of the answers lost: no refresh token is used twice and nobody is logged out", async () => {
  const { clock, all, setup } = await replicas(4);
  let grant = await setup.signIn();
  for (let round = 0; round < 1000; round++) {
    clock.now += 60;
    const renewed = await all[round % 4]!.strategy.renew(grant, clock.now);
    // Lost: the client comes back with the token that it has, in time.
    if (round % 5 !== 0) grant = renewed;
  }
});

test("a refresh that fails changes nothing: neither what is kept nor what goes downstream", async () => {
  const { provider, clock, setup } = await replicas();
  const grant = await setup.signIn();
  const use = useOf(grant);
  clock.now += 100;
  provider.answerNext({ status: 503 }, { destroy: true });
  assert.equal(await setup.strategy.replace!(use, use.credential, clock.now), undefined);
  assert.equal(await setup.strategy.replace!(use, use.credential, clock.now), undefined);
  assert.equal(setup.strategy.current!(use), undefined);
  assert.ok(await setup.strategy.replace!(use, use.credential, clock.now));
});

test("without a store that lasts a live token is never refreshed, because the new refresh token could be lost", async () => {
  const provider = await startFakeProvider({ rotate: true });
  running.push(provider);
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  assert.equal(await setup.strategy.replace!(useOf(grant), grant.credential!.value, setup.clock.now + 100), undefined);
  assert.equal(provider.tokenRequests.length, 1);
});

test("a credential that the store knows nothing of is left alone: it may be newer than what is kept", async () => {
  const { clock, setup, refreshes } = await replicas();
  const { id } = await setup.signIn();
  assert.equal(
    await setup.strategy.replace!({ grantId: id, credential: "unknown" }, "unknown", clock.now + 100),
    undefined,
  );
  assert.equal(refreshes(), 0);
});

test("a store that goes down in between: the client's own token is newer than what was kept, and counts", async () => {
  const clock = { now: 1_800_000_000 };
  const durable = durableStore(clock);
  let down = false;
  const answer = <Result>(work: () => Promise<Result>) =>
    down ? Promise.reject(new StoreUnavailableError("down")) : work();
  const store: Store = {
    ...durable,
    get: (key) => answer(() => durable.get(key)),
    put: (key, value, until) => answer(() => durable.put(key, value, until)),
    putIfAbsent: (key, value, until) => answer(() => durable.putIfAbsent(key, value, until)),
    delete: (key) => answer(() => durable.delete(key)),
  };
  const { setup } = await replicas(1, { store, clock });
  let grant = await setup.strategy.renew(await setup.signIn(), clock.now);
  down = true;
  grant = await setup.strategy.renew(grant, clock.now);
  grant = await setup.strategy.renew(grant, clock.now);
  assert.equal(await setup.strategy.replace!(useOf(grant), grant.credential!.value, clock.now + 100), undefined);
  down = false;
  // What the store still has is two refreshes old.
  assert.equal(await setup.strategy.replace!(useOf(grant), grant.credential!.value, clock.now + 100), undefined);
  await setup.strategy.renew(grant, clock.now);
});

test("revoking reaches the newest refresh token, and forgets it", async () => {
  const { provider, clock, setup } = await replicas();
  const grant = await setup.signIn();
  const renewed = await setup.strategy.renew(grant, clock.now);
  await setup.strategy.revoke!(grant);
  assert.equal(provider.revocations[0]!.token, renewed.credential!.refreshToken);
  assert.equal(await setup.strategy.replace!(useOf(grant), grant.credential!.value, clock.now + 100), undefined);
});

test("without a store that lasts too, as long as the process does; and a token newer than what is known counts", async () => {
  const store = createMemoryStore({ now: () => 1_800_000_000 });
  const { provider, clock, setup } = await replicas(1, { store });
  const grant = await setup.signIn();
  const renewed = await setup.strategy.renew(grant, clock.now);
  await setup.strategy.revoke!(grant);
  await setup.strategy.revoke!(grant);
  const tokens = [renewed.credential!.refreshToken, grant.credential!.refreshToken];
  assert.deepEqual(provider.revocations.map(({ token }) => token), tokens);
  const again = await setup.strategy.renew(renewed, clock.now);
  await setup.strategy.revoke!({
    ...again,
    credential: { ...again.credential!, refreshToken: "newest", generation: 9 },
  });
  assert.equal(provider.revocations.at(-1)!.token, "newest");
  await setup.strategy.revoke!({ id: "nobody knows its tokens", grantedAt: clock.now });
  assert.equal(provider.revocations.length, 3);
});

test("what is kept is sealed", async () => {
  const clock = { now: 1_800_000_000 };
  const durable = durableStore(clock);
  const written: string[] = [];
  const store: Store = {
    ...durable,
    put(key, value, until) {
      written.push(key, value);
      return durable.put(key, value, until);
    },
  };
  const { setup } = await replicas(1, { store, clock });
  const { credential } = await setup.signIn();
  assert.ok(written.length > 0);
  const text = written.join(" ");
  assert.equal(text.includes(credential!.value) || text.includes(credential!.refreshToken!), false);
});

// One holder at a time: in this process by a queue, across processes by a key in the store that dies with its holder.
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "./store.ts";

/** Another process holds the lease, and has for longer than anybody waits. */
export class LeaseTakenError extends Error {
  override readonly name = "LeaseTakenError";
}

export interface Leases {
  /**
   * Runs `work` while nobody else runs something under the same key.
   *
   * @throws LeaseTakenError; StoreUnavailableError before `work` began; whatever `work` throws
   */
  hold<Result>(key: string, work: () => Promise<Result>): Promise<Result>;
}

/**
 * A holder prolongs its lease while it works; one that died stops others for this long. Short, because a provider that takes a
 * refresh token again after a lost answer does so for a moment only.
 */
const leaseSeconds = 5;
const prolongEveryMs = 1000;
/** Longer than the work under a lease takes. */
const patienceMs = 20_000;
const pollMs = 50;

export function createLeases({ store, now }: { store: Store; now: () => number }): Leases {
  const queues = new Map<string, Promise<unknown>>();

  async function take(key: string, holder: string): Promise<void> {
    for (let waitedMs = 0; waitedMs <= patienceMs; waitedMs += pollMs) {
      if (await store.putIfAbsent(key, holder, now() + leaseSeconds) === undefined) return;
      await wait(pollMs);
    }
    throw new LeaseTakenError("another process is still at it");
  }

  async function prolong(key: string, holder: string, isWorking: () => boolean): Promise<void> {
    try {
      if (await store.get(key) === holder && isWorking()) await store.put(key, holder, now() + leaseSeconds);
    } catch {
      // The store is down: nobody can take the lease either.
    }
  }

  async function release(key: string, holder: string): Promise<void> {
    try {
      if (await store.get(key) === holder) await store.delete(key);
    } catch {
      // The store is down: the lease ends by itself, and the work is done.
    }
  }

  async function holdAcrossProcesses<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const holder = randomBytes(16).toString("base64url");
    await take(key, holder);
    let working = true;
    const prolonging = setInterval(() => void prolong(key, holder, () => working), prolongEveryMs);
    try {
      return await work();
    } finally {
      working = false;
      clearInterval(prolonging);
      await release(key, holder);
    }
  }

  return {
    hold<Result>(key: string, work: () => Promise<Result>) {
      const name = `lease:${key}`;
      const before = queues.get(name) ?? Promise.resolve();
      const result = before.then(() => holdAcrossProcesses(name, work));
      const settled = result.catch(() => {}).finally(() => {
        if (queues.get(name) === settled) queues.delete(name);
      });
      queues.set(name, settled);
      return result;
    },
  };
}

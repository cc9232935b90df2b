// One holder at a time: in this process by a queue, across processes by a key in the store that dies with its holder.
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Store } from "./store.ts";

/** Another process has held the lease for longer than a lease lasts. */
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

/** Longer than any work under a lease takes; a process that died holding one stops others for this long. */
const leaseSeconds = 20;
const pollMs = 50;

export function createLeases({ store, now }: { store: Store; now: () => number }): Leases {
  const queues = new Map<string, Promise<unknown>>();

  async function take(key: string, holder: string): Promise<void> {
    for (let waitedMs = 0; waitedMs <= leaseSeconds * 1000; waitedMs += pollMs) {
      if (await store.putIfAbsent(key, holder, now() + leaseSeconds) === undefined) return;
      await wait(pollMs);
    }
    throw new LeaseTakenError("another process is still at it");
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
    try {
      return await work();
    } finally {
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

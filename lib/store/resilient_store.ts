// A store that never stops a login: while the primary is away, this process goes on with what it remembers itself.
import type { Log } from "../telemetry/log.ts";
import type { StoreKind } from "./create_store.ts";
import { checkEntry } from "./entry_limits.ts";
import { createMemoryTable } from "./memory_table.ts";
import { type Store, StoreUnavailableError } from "./store.ts";

export interface StoreStatus {
  /** False: single use and revocation hold in this process only. */
  healthy: boolean;
  kind: StoreKind;
  /** When the primary went away, seconds since the epoch; absent while healthy. */
  since?: number;
}

export interface ResilientStore extends Store {
  /** For /readyz and metrics. Asking also has the primary looked at in the background, so it gets well without traffic. */
  status(): StoreStatus;
}

export interface ResilientStoreTools {
  kind: StoreKind;
  now: () => number;
  log: Log;
}

/** A write that the primary has not taken yet; without a value, a deletion. */
interface OwedWrite {
  value?: string;
  expiresAt: number;
  onlyIfAbsent?: boolean;
}

const secondsBetweenLooks = { healthy: 5, down: 1 };
/** Beyond this many the oldest owed writes are given up. */
const maxOwedWrites = 60_000;

/**
 * Never throws StoreUnavailableError. Each write is kept in memory too, so an outage forgets nothing that this process did;
 * what is written while the primary is away is brought to it before it is asked again.
 */
export function createResilientStore(primary: Store, { kind, now, log }: ResilientStoreTools): ResilientStore {
  if (kind === "memory") return { ...primary, status: () => ({ healthy: true, kind }) };

  const memory = createMemoryTable({ now });
  const owed = new Map<string, OwedWrite>();
  let downSince: number | undefined;
  let nextLookAt = now() + secondsBetweenLooks.healthy;
  let looking = false;

  async function ask<T>(atPrimary: () => Promise<T>, inMemory: () => T): Promise<T> {
    if (downSince === undefined) {
      try {
        return await atPrimary();
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        noteDown(error);
      }
    }
    lookWhenDue();
    return inMemory();
  }

  function noteDown(error: unknown): void {
    if (downSince !== undefined) return;
    downSince = now();
    nextLookAt = now() + secondsBetweenLooks.down;
    log.error("store_unavailable", { kind, error });
  }

  function lookWhenDue(): void {
    if (looking || now() < nextLookAt) return;
    looking = true;
    void look().finally(() => looking = false);
  }

  async function look(): Promise<void> {
    nextLookAt = now() + secondsBetweenLooks[downSince === undefined ? "healthy" : "down"];
    try {
      await primary.put("look:", "", now() + 60); // a write, for a full disk still answers reads
      if (downSince === undefined) return;
      let delivered = 0;
      while (owed.size > 0) delivered += await deliverOwedWrites();
      const fields = { kind, down_seconds: now() - downSince, delivered };
      downSince = undefined;
      log.info("store_recovered", fields);
    } catch (error) {
      noteDown(error);
    }
  }

  async function deliverOwedWrites(): Promise<number> {
    let delivered = 0;
    for (const [key, write] of owed) { // also visits what is owed meanwhile
      if (write.value === undefined) await primary.delete(key);
      else if (write.onlyIfAbsent) await primary.putIfAbsent(key, write.value, write.expiresAt);
      else await primary.put(key, write.value, write.expiresAt);
      if (owed.get(key) === write) owed.delete(key);
      delivered++;
    }
    return delivered;
  }

  function owe(key: string, write: OwedWrite): void {
    owed.delete(key);
    owed.set(key, write);
    if (owed.size > maxOwedWrites) owed.delete(owed.keys().next().value!);
  }

  return {
    get durable() {
      return downSince === undefined && primary.durable;
    },
    async putIfAbsent(key, value, expiresAt) {
      checkEntry(key, value);
      return await ask(async () => {
        const present = await primary.putIfAbsent(key, value, expiresAt);
        if (present === undefined) memory.set(key, value, expiresAt);
        return present;
      }, () => {
        const present = memory.get(key);
        if (present !== undefined) return present;
        memory.set(key, value, expiresAt);
        owe(key, { value, expiresAt, onlyIfAbsent: true });
        return undefined;
      });
    },
    async put(key, value, expiresAt) {
      checkEntry(key, value);
      memory.set(key, value, expiresAt);
      await ask(() => primary.put(key, value, expiresAt), () => owe(key, { value, expiresAt }));
    },
    get: (key) => ask(() => primary.get(key), () => memory.get(key)),
    async delete(key) {
      memory.delete(key);
      await ask(() => primary.delete(key), () => owe(key, { expiresAt: 0 }));
    },
    ...(primary.draw && { draw: (key, bucket) => ask(() => primary.draw!(key, bucket), () => undefined) }),
    close: () => primary.close(),
    status() {
      lookWhenDue();
      return downSince === undefined ? { healthy: true, kind } : { healthy: false, kind, since: downSince };
    },
  };
}

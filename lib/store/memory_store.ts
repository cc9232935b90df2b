// One process: bounded, constant cost per call, forgets at restart.
import type { Store } from "./store.ts";

export interface MemoryStoreOptions {
  now: () => number;
  /** Beyond this many entries the oldest go first. */
  maxEntries?: number;
}

interface Entry {
  value: string;
  expiresAt: number;
}

/** How many of the oldest entries each write looks at, so that expired ones leave without a sweep. */
const collectedPerWrite = 4;

/** A store for one process. Nothing survives a restart and replicas do not see each other. */
export function createMemoryStore({ now, maxEntries = 60_000 }: MemoryStoreOptions): Store {
  const entries = new Map<string, Entry>();

  function read(key: string): string | undefined {
    const entry = entries.get(key);
    return entry !== undefined && entry.expiresAt > now() ? entry.value : undefined;
  }

  function write(key: string, value: string, expiresAt: number): void {
    entries.delete(key);
    entries.set(key, { value, expiresAt });
    let looked = 0;
    for (const [oldest, entry] of entries) {
      if (entries.size > maxEntries || entry.expiresAt <= now()) entries.delete(oldest);
      if (++looked >= collectedPerWrite) break;
    }
  }

  return {
    putIfAbsent(key, value, expiresAt) {
      const present = read(key);
      if (present === undefined) write(key, value, expiresAt);
      return Promise.resolve(present);
    },
    put(key, value, expiresAt) {
      write(key, value, expiresAt);
      return Promise.resolve();
    },
    get: (key) => Promise.resolve(read(key)),
    delete(key) {
      entries.delete(key);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

// One process: bounded, constant cost per call, forgets at restart.
import { checkEntry } from "./entry_limits.ts";
import { createMemoryTable, type MemoryTableOptions } from "./memory_table.ts";
import type { Store } from "./store.ts";

/** A store for one process. Nothing survives a restart and replicas do not see each other. */
export function createMemoryStore(options: MemoryTableOptions): Store {
  const table = createMemoryTable(options);
  return {
    durable: false,
    async putIfAbsent(key, value, expiresAt) {
      checkEntry(key, value);
      const present = table.get(key);
      if (present === undefined) table.set(key, value, expiresAt);
      return present;
    },
    async put(key, value, expiresAt) {
      checkEntry(key, value);
      table.set(key, value, expiresAt);
    },
    get: async (key) => table.get(key),
    delete: async (key) => table.delete(key),
    close: async () => {},
  };
}

// store.url -> the store: the only switch on its kind.
import type { Log } from "../telemetry/log.ts";
import { createMemoryStore } from "./memory_store.ts";
import type { Store } from "./store.ts";

export type StoreKind = "memory" | "sqlite" | "redis";

/** The kind that a store URL names, or undefined when it names none. */
export function storeKind(url: string): StoreKind | undefined {
  if (url === "memory:") return "memory";
  if (/^sqlite:./.test(url)) return "sqlite";
  return /^rediss?:\/\//.test(url) ? "redis" : undefined;
}

/**
 * Opens `memory:`, `sqlite:PATH`, `redis://…` or `rediss://…`. A Redis that is down is opened all the same and asked later.
 *
 * @throws Error with what to do, when the URL names no store or the file cannot be used; never quotes a password
 */
export async function createStore(url: string, { now, log }: { now: () => number; log: Log }): Promise<Store> {
  const kind = storeKind(url);
  const store = await openStore(kind, url, { now, log });
  log.debug("store_opened", { kind });
  return store;
}

async function openStore(
  kind: StoreKind | undefined,
  url: string,
  { now, log }: { now: () => number; log: Log },
): Promise<Store> {
  switch (kind) {
    case "memory":
      return createMemoryStore({ now, onFull: sayWhatIsFull(now, log) });
    case "sqlite": {
      const { createSqliteStore } = await import("./sqlite_store.ts");
      return createSqliteStore(url.slice("sqlite:".length), { now });
    }
    case "redis": {
      const { createRedisStore } = await import("./redis_store.ts");
      return await createRedisStore(url, { now });
    }
    default:
      throw new Error("store.url: must be memory:, sqlite:PATH, redis://HOST:PORT/DATABASE or rediss://…");
  }
}

/** Once an hour for each kind of entry. */
function sayWhatIsFull(now: () => number, log: Log): (entries: string) => void {
  const saidAt = new Map<string, number>();
  return (entries) => {
    if (now() - (saidAt.get(entries) ?? -Infinity) < 3_600) return;
    saidAt.set(entries, now());
    log.warning("memory_store_full", {
      entries,
      remedy: "the oldest are forgotten; a store.url of sqlite: has more room",
    });
  };
}

// When a grant was last used, as exactly as its access tokens live: at each token that it was given.
import type { Log } from "../telemetry/log.ts";
import { type Store, StoreUnavailableError } from "./store.ts";

/** Never throws for a store that is away: it is for showing only. */
export async function noteUse(
  { store, now, log }: { store: Store; now: () => number; log: Log },
  grantId: string,
  lifetimeSeconds: number,
): Promise<void> {
  try {
    await store.put(`used:${grantId}`, `${now()}`, now() + lifetimeSeconds);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    log.warning("use_not_noted", { grant: grantId, error });
  }
}

/** Seconds since the epoch; undefined when no token was given within the grant's lifetime. @throws StoreUnavailableError */
export async function findLastUse(store: Store, grantId: string): Promise<number | undefined> {
  const found = await store.get(`used:${grantId}`);
  return found === undefined ? undefined : Number(found);
}

// When a grant was last given tokens, and when they were last used: for showing only.
import type { Log } from "../telemetry/log.ts";
import { type Store, StoreUnavailableError } from "./store.ts";

export interface LastUseTools {
  store: Store;
  now: () => number;
  log: Log;
}

/** A use is written down at most so often for one grant. */
const noteEverySeconds = 300;
/** Beyond this many grants all are written down anew. */
const maxNoted = 50_000;

/** The grant was given tokens. Never throws for a store that is away. */
export async function noteTokensGiven(
  { store, now, log }: LastUseTools,
  grantId: string,
  lifetimeSeconds: number,
): Promise<void> {
  try {
    await store.put(`given:${grantId}`, `${now()}`, now() + lifetimeSeconds);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    log.warning("use_not_noted", { grant: grantId, error });
  }
}

/** Seconds since the epoch; undefined when no token was given within the grant's lifetime. @throws StoreUnavailableError */
export async function findTokensGiven(store: Store, grantId: string): Promise<number | undefined> {
  return await findMoment(store, `given:${grantId}`);
}

/**
 * Notes a request with a token of the grant: the first, and then one in five minutes. What it costs the others is a look into
 * a table; nobody waits for the write.
 */
export function createUseNotes(
  { store, now, log }: LastUseTools,
  lifetimeSeconds: number,
): (use: { grant: string }) => void {
  const notedAt = new Map<string, number>();
  return ({ grant: grantId }) => {
    const moment = now();
    if (moment - (notedAt.get(grantId) ?? -Infinity) < noteEverySeconds) return;
    if (notedAt.size >= maxNoted) notedAt.clear();
    notedAt.set(grantId, moment);
    store.put(`used:${grantId}`, `${moment}`, moment + lifetimeSeconds).catch((error) =>
      log.warning("use_not_noted", { grant: grantId, error })
    );
  };
}

/** Seconds since the epoch, five minutes or less before the last request. @throws StoreUnavailableError */
export async function findLastUse(store: Store, grantId: string): Promise<number | undefined> {
  return await findMoment(store, `used:${grantId}`);
}

async function findMoment(store: Store, key: string): Promise<number | undefined> {
  const found = await store.get(key);
  return found === undefined ? undefined : Number(found);
}

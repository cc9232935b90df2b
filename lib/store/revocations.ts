// Which grants were revoked, cheap enough to ask with every MCP request.
import type { Log } from "../telemetry/log.ts";
import { createMemoryTable } from "./memory_table.ts";
import { type Store, StoreUnavailableError } from "./store.ts";

export interface Revocations {
  /**
   * From now on `isRevoked` is true for the grant here, and within `lookupSeconds` in every process that shares the store.
   *
   * @param until when the last token of the grant expires, seconds since the epoch; it is forgotten then
   * @throws StoreUnavailableError when only this process knows
   */
  revoke(grantId: string, until: number): Promise<void>;
  /**
   * Never throws for a store that is away: what this process does not know counts as not revoked then, and is logged.
   *
   * @param options.askNow asks the store whatever was known a moment ago: for what hands out new tokens
   */
  isRevoked(grantId: string, options?: { askNow: boolean }): Promise<boolean>;
  /** Whether `isRevoked` would say no without asking the store; here without a promise. */
  isKnownGood(grantId: string): boolean;
}

export interface RevocationsTools {
  store: Store;
  now: () => number;
  log: Log;
  /** The store is asked at most this often for one grant. */
  lookupSeconds?: number;
}

/** Revocations of this process at once, those of others by way of the store. */
export function createRevocations({ store, now, log, lookupSeconds = 5 }: RevocationsTools): Revocations {
  const known = createMemoryTable({ now });
  /** Until the grant ends. */
  const revoked = known.ofKind("revoked");
  /** Until the store is asked again. */
  const asked = known.ofKind("asked");
  const lookups = new Map<string, Promise<void>>();
  let quietUntil = 0;

  async function lookUp(grantId: string): Promise<void> {
    try {
      const until = await store.get(`revoked:${grantId}`);
      if (until !== undefined) revoked.set(grantId, "", Number(until));
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      noteUnchecked(error);
    }
    asked.set(grantId, "", now() + lookupSeconds);
  }

  /** However many ask at the same time. */
  async function lookUpOnce(grantId: string): Promise<void> {
    let lookup = lookups.get(grantId);
    if (lookup === undefined) {
      lookups.set(grantId, lookup = lookUp(grantId).finally(() => lookups.delete(grantId)));
    }
    await lookup;
  }

  /** One line per `lookupSeconds`, however many grants there are. */
  function noteUnchecked(error: StoreUnavailableError): void {
    if (now() < quietUntil) return;
    quietUntil = now() + lookupSeconds;
    log.warning("revocation_unchecked", { error });
  }

  return {
    async revoke(grantId, until) {
      revoked.set(grantId, "", until);
      await store.put(`revoked:${grantId}`, `${until}`, until);
    },
    isKnownGood: (grantId) => revoked.get(grantId) === undefined && asked.get(grantId) !== undefined,
    async isRevoked(grantId, { askNow } = { askNow: false }) {
      if (revoked.get(grantId) !== undefined) return true;
      if (askNow) await lookUp(grantId);
      else if (asked.get(grantId) !== undefined) return false;
      else await lookUpOnce(grantId);
      return revoked.get(grantId) !== undefined;
    },
  };
}

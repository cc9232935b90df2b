// What a provider gave last for asking again, while the client still holds what came before: when a provider spends its refresh
// token and then can't say the rest, the next try has to go on from the new one. Sealed in the store.
import { createHash } from "node:crypto";
import { type Store, StoreUnavailableError } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface KeptRenewals {
  /** What to ask with instead of `carried`: the newest that came from it. */
  find(grantId: string, carried: string): Promise<string>;
  /** `next` follows from `carried`. Never throws. */
  keep(grantId: string, carried: string, kept: { next: string; now: number; provider: string }): Promise<void>;
  /** The grant has ended: what was kept of it, and of which provider. Never throws. */
  forget(grantId: string): Promise<{ value: string; provider: string } | undefined>;
}

interface Kept {
  /** Marks of all that it came from. */
  from: string[];
  value: string;
  provider: string;
}

const maxMarks = 8;

/** @param tools.lifetimeSeconds as long as our refresh tokens live */
export function createKeptRenewals(
  { store, sealer, lifetimeSeconds, log }: { store: Store; sealer: Sealer; lifetimeSeconds: number; log: Log },
): KeptRenewals {
  async function read(grantId: string): Promise<Kept | undefined> {
    const sealed = await store.get(keyOf(grantId));
    const opened = sealed === undefined ? undefined : sealer.open("provider tokens", sealed);
    return opened === undefined || opened === "expired" ? undefined : opened.value as Kept;
  }

  return {
    async find(grantId, carried) {
      try {
        const kept = await read(grantId);
        return kept?.from.includes(markOf(carried)) ? kept.value : carried;
      } catch (error) {
        if (error instanceof StoreUnavailableError) return carried; // what the client holds is all there is to go by
        throw error;
      }
    },

    async keep(grantId, carried, { next, now, provider }) {
      try {
        const before = await read(grantId);
        const marks = before?.from.includes(markOf(carried))
          ? [...before.from, markOf(before.value)]
          : [markOf(carried)];
        const kept: Kept = { from: marks.slice(-maxMarks), value: next, provider };
        const until = now + lifetimeSeconds;
        await store.put(keyOf(grantId), sealer.seal("provider tokens", kept, until), until);
      } catch (error) {
        log.warning("renewal_not_kept", { grant: grantId, error });
      }
    },

    async forget(grantId) {
      try {
        const kept = await read(grantId);
        if (kept !== undefined) await store.delete(keyOf(grantId));
        return kept;
      } catch (error) {
        log.warning("renewal_not_forgotten", { grant: grantId, error });
        return undefined;
      }
    },
  };
}

function keyOf(grantId: string): string {
  return `renewal:${grantId}`;
}

/** Tells one renewal from another without keeping it. */
function markOf(renewal: string): string {
  return createHash("sha256").update(renewal).digest("base64url").slice(0, 22);
}

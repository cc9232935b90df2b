// One refresh token, one answer: across parallel calls, replicas, lost answers and restarts.
import { OAuthError } from "../oauth/errors.ts";
import { createLeases, LeaseTakenError } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface RotationTools {
  store: Store;
  sealer: Sealer;
  now: () => number;
  graceSeconds: number;
}

export interface Spendable {
  id: string;
  expiresAt: number;
}

export interface Rotation {
  /** The id of the token that follows `id`: always the same one, so that two answers to one token can't become two families. */
  nextId(id: string): string;
  /**
   * Runs `renew` once for a token and gives everybody who asks within the grace the same answer. When `renew` throws, the token
   * stays good. `reused` when the token was spent and its grace is over.
   *
   * @throws OAuthError `temporarily_unavailable` when another replica holds the token for too long; whatever `renew` throws
   */
  rotate<Answer>(token: Spendable, renew: () => Promise<Answer>): Promise<Answer | "reused">;
}

export function createRotation({ store, sealer, now, graceSeconds }: RotationTools): Rotation {
  const leases = createLeases({ store, now });
  const inFlight = new Map<string, Promise<unknown>>();

  /** The writer keeps the answer before it marks the token spent; whoever finds the mark first can't miss the answer. */
  async function settled<Answer>(token: Spendable): Promise<{ answer: Answer } | "reused" | undefined> {
    const spent = await store.get(`spent:${token.id}`);
    const sealed = await store.get(`answer:${token.id}`);
    if (spent === undefined && sealed === undefined) return undefined;
    const opened = sealed === undefined ? undefined : sealer.open("refresh answer", sealed);
    return opened === undefined || opened === "expired" ? "reused" : { answer: opened.value as Answer };
  }

  async function renewOnce<Answer>(token: Spendable, renew: () => Promise<Answer>): Promise<Answer | "reused"> {
    const before = await settled<Answer>(token);
    if (before !== undefined) return before === "reused" ? "reused" : before.answer;
    const answer = await renew();
    const answerUntil = now() + graceSeconds;
    await store.put(`answer:${token.id}`, sealer.seal("refresh answer", answer, answerUntil), answerUntil);
    await store.put(`spent:${token.id}`, "spent", token.expiresAt);
    return answer;
  }

  async function underLease<Answer>(token: Spendable, renew: () => Promise<Answer>): Promise<Answer | "reused"> {
    try {
      return await leases.hold(`refresh ${token.id}`, () => renewOnce(token, renew));
    } catch (error) {
      if (!(error instanceof LeaseTakenError)) throw error;
      throw new OAuthError("temporarily_unavailable", "this refresh is still under way; ask again", {
        retryAfterSeconds: 2,
      });
    }
  }

  return {
    nextId: (id) => sealer.derive("next refresh token", id).slice(0, 22),
    rotate<Answer>(token: Spendable, renew: () => Promise<Answer>) {
      const running = inFlight.get(token.id) as Promise<Answer | "reused"> | undefined;
      if (running !== undefined) return running;
      const started = underLease(token, renew).finally(() => inFlight.delete(token.id));
      inFlight.set(token.id, started);
      return started;
    },
  };
}

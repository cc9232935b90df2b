// One refresh token, one answer: across parallel calls, replicas, lost answers and restarts.
import { setTimeout as wait } from "node:timers/promises";
import { OAuthError } from "../oauth/errors.ts";
import type { Store } from "../store/store.ts";
import { randomId } from "../tokens/random_id.ts";
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

/** A renewal that takes longer than this has died with its process; the next one may try. */
const leaseSeconds = 20;
const pollMs = 50;

export function createRotation({ store, sealer, now, graceSeconds }: RotationTools): Rotation {
  const inFlight = new Map<string, Promise<unknown>>();

  /** The writer keeps the answer before it marks the token spent; reading in the opposite order can't miss it. */
  async function settled(token: Spendable): Promise<{ answer: unknown } | "reused" | undefined> {
    if (await store.get(`spent:${token.id}`) === undefined && await store.get(`answer:${token.id}`) === undefined) {
      return undefined;
    }
    const sealed = await store.get(`answer:${token.id}`);
    const opened = sealed === undefined ? undefined : sealer.open("refresh answer", sealed);
    return opened === undefined || opened === "expired" ? "reused" : { answer: opened.value };
  }

  async function renewUnderLease<Answer>(token: Spendable, renew: () => Promise<Answer>): Promise<Answer> {
    try {
      const answer = await renew();
      const answerUntil = now() + graceSeconds;
      await store.put(`answer:${token.id}`, sealer.seal("refresh answer", answer, answerUntil), answerUntil);
      await store.put(`spent:${token.id}`, "spent", token.expiresAt);
      return answer;
    } finally {
      await store.delete(`lease:${token.id}`);
    }
  }

  async function settleOrRenew<Answer>(token: Spendable, renew: () => Promise<Answer>): Promise<Answer | "reused"> {
    const holder = randomId();
    for (let waitedMs = 0; waitedMs <= leaseSeconds * 1000; waitedMs += pollMs) {
      const before = await settled(token);
      if (before !== undefined) return before === "reused" ? "reused" : before.answer as Answer;
      const free = await store.putIfAbsent(`lease:${token.id}`, holder, now() + leaseSeconds) === undefined;
      // Whoever held the lease before may have finished between the two looks.
      const after = free ? await settled(token) : undefined;
      if (after !== undefined) {
        await store.delete(`lease:${token.id}`);
        return after === "reused" ? "reused" : after.answer as Answer;
      }
      if (free) return await renewUnderLease(token, renew);
      await wait(pollMs);
    }
    throw new OAuthError("temporarily_unavailable", "this refresh is still under way; ask again", {
      retryAfterSeconds: 2,
    });
  }

  return {
    nextId: (id) => sealer.derive("next refresh token", id).slice(0, 22),
    rotate<Answer>(token: Spendable, renew: () => Promise<Answer>) {
      const running = inFlight.get(token.id) as Promise<Answer | "reused"> | undefined;
      if (running !== undefined) return running;
      const started = settleOrRenew(token, renew).finally(() => inFlight.delete(token.id));
      inFlight.set(token.id, started);
      return started;
    },
  };
}

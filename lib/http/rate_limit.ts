// Token buckets: so many requests a minute for each key, with as many at once.

export interface RateLimit {
  /** Takes one request from the bucket of `key`. */
  take(key: string): Promise<RateLimitAnswer>;
}

export interface RateLimitAnswer {
  allowed: boolean;
  /** Until the next one would be allowed; 0 when this one is. */
  retryAfterSeconds: number;
}

/** `Store.draw`: milliseconds until the next one is there, 0 when one was drawn, undefined when nobody can say. */
export type DrawShared = (key: string, bucket: { size: number; intervalMs: number }) => Promise<number | undefined>;

export interface RateLimitOptions {
  /** 0 = off: everything is allowed. */
  perMinute: number;
  /** Seconds since the epoch; fractions count. */
  now: () => number;
  /** The bucket that this process shares with others; without it, and where it can't be asked, each counts for itself. */
  draw?: DrawShared | undefined;
  /** Beyond this many keys the one that has been quiet longest goes first; its bucket has filled up most. */
  maxKeys?: number;
}

interface Bucket {
  requests: number;
  filledAt: number;
}

/** Memory is bounded, cost per call is constant, no timer runs. What this process refuses by itself asks nobody else. */
export function createRateLimit({ perMinute, now, draw, maxKeys = 50_000 }: RateLimitOptions): RateLimit {
  /** Longest quiet first. */
  const buckets = new Map<string, Bucket>();
  const perSecond = perMinute / 60;

  function fill(key: string): Bucket {
    const bucket = buckets.get(key) ?? { requests: perMinute, filledAt: now() };
    // A clock that was set back fills nothing, and nothing is taken away.
    const elapsedSeconds = Math.max(0, now() - bucket.filledAt);
    const requests = Math.min(perMinute, bucket.requests + elapsedSeconds * perSecond);
    return { requests, filledAt: now() };
  }

  function keep(key: string, bucket: Bucket): void {
    buckets.delete(key);
    buckets.set(key, bucket);
    if (buckets.size > maxKeys) buckets.delete(buckets.keys().next().value!);
  }

  return {
    async take(key) {
      const allowed = { allowed: true, retryAfterSeconds: 0 };
      if (perMinute === 0) return allowed;
      const bucket = fill(key);
      keep(key, bucket);
      if (bucket.requests < 1) {
        return { allowed: false, retryAfterSeconds: Math.ceil((1 - bucket.requests) / perSecond) };
      }
      bucket.requests -= 1;
      const waitMs = await draw?.(key, { size: perMinute, intervalMs: 60_000 / perMinute }) ?? 0;
      if (waitMs === 0) return allowed;
      // Others emptied the shared bucket: ours is as empty from now on.
      keep(key, { requests: 1 - waitMs / 1000 * perSecond, filledAt: now() });
      return { allowed: false, retryAfterSeconds: Math.ceil(waitMs / 1000) };
    },
  };
}

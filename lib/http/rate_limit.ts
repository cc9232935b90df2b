// Token buckets: so many requests a minute for each key, with as many at once.

export interface RateLimit {
  /** Takes one request from the bucket of `key`. */
  take(key: string): RateLimitAnswer;
}

export interface RateLimitAnswer {
  allowed: boolean;
  /** Until the next one would be allowed; 0 when this one is. */
  retryAfterSeconds: number;
}

export interface RateLimitOptions {
  /** 0 = off: everything is allowed. */
  perMinute: number;
  /** Seconds since the epoch; fractions count. */
  now: () => number;
  /** Beyond this many keys the one that has been quiet longest goes first; its bucket has filled up most. */
  maxKeys?: number;
}

interface Bucket {
  requests: number;
  filledAt: number;
}

/** Memory is bounded, cost per call is constant, no timer runs. */
export function createRateLimit({ perMinute, now, maxKeys = 50_000 }: RateLimitOptions): RateLimit {
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

  return {
    take(key) {
      if (perMinute === 0) return { allowed: true, retryAfterSeconds: 0 };
      const bucket = fill(key);
      const allowed = bucket.requests >= 1;
      if (allowed) bucket.requests -= 1;
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > maxKeys) buckets.delete(buckets.keys().next().value!);
      return { allowed, retryAfterSeconds: allowed ? 0 : Math.ceil((1 - bucket.requests) / perSecond) };
    },
  };
}

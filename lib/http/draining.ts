// The end of a process as others see it: no new work, and whoever watches /readyz is told before the listener closes.

export interface Draining {
  /** True from the signal to stop on: probes are answered, all else is asked to come back. */
  hasBegun(): boolean;
  begin(): void;
  /** /readyz is being answered. */
  readinessAsked(): void;
  /** Settles when a probe has seen that it drains; at once where nobody watches /readyz. Call it after `begin`. */
  seen(): Promise<void>;
}

/** Who asked for /readyz twice in this time watches it. One question may be a person's, and their restart has nobody to wait for. */
const watchedWithinMs = 60_000;

/** How long a client is asked to wait: a restart takes about this long, and another replica may answer at once. */
export const retryAfterDrainSeconds = 5;

export function createDraining(nowMs: () => number): Draining {
  const seen = Promise.withResolvers<void>();
  let hasBegun = false;
  let lastAskedAt = -Infinity;
  let askedBeforeAt = -Infinity;
  return {
    hasBegun: () => hasBegun,
    begin: () => void (hasBegun = true),
    readinessAsked() {
      if (hasBegun) seen.resolve();
      askedBeforeAt = lastAskedAt;
      lastAskedAt = nowMs();
    },
    seen: () => nowMs() - askedBeforeAt < watchedWithinMs ? seen.promise : Promise.resolve(),
  };
}

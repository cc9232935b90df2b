// SIGTERM and SIGINT: the first drains, the next one ends at once.
import { setTimeout as wait } from "node:timers/promises";
import { onSignal } from "../runtime/runtime.ts";
import type { RunningServer } from "../server.ts";

export interface StopSignals {
  /** Settles with the signal's name. */
  first: Promise<string>;
  /** Somebody does not want to wait for the drain. */
  second: Promise<unknown>;
}

/** Terminals, `npm` and `deno task` pass a signal on to a process that has got it already: within this time it is the same one. */
const sameSignalWithinMs = 500;

/** After the second signal nothing is waited for longer than this, not even the store. */
const endWithinMs = 1_000;

/** From now on neither signal ends the process by itself. */
export function watchStopSignals(): StopSignals {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const got = (signal: string) => {
    const now = performance.now();
    if (firstAt === undefined) firstAt = now;
    else if (now - firstAt > sameSignalWithinMs) second.resolve();
    first.resolve(signal);
  };
  onSignal("SIGTERM", () => got("SIGTERM"));
  onSignal("SIGINT", () => got("SIGINT"));
  return { first: first.promise, second: second.promise };
}

/** Drains and stops the server, or cuts both short on the second signal. */
export async function stopOnSignals(server: RunningServer, { second }: StopSignals): Promise<void> {
  await Promise.race([server.stop(second), second.then(() => wait(endWithinMs))]);
}

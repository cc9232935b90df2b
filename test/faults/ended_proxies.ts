// Proxies that are ended at random moments and started again on the same port, with the same secret and store.
import { setTimeout as wait } from "node:timers/promises";
import { type ProxyOptions, type ProxyProcess, startProxy } from "../support/proxy_process.ts";

export interface EndedProxies {
  /** When a signal was sent, `performance.now()`. */
  endedAt: number[];
  output(): string;
  /** Ends no more; every proxy runs. @throws what went wrong at a start */
  calm(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface EndOptions {
  signal: "SIGKILL" | "SIGTERM";
  /** Milliseconds between two ends, on the average. */
  everyMs: number;
}

/** @param configurations one per replica; each names its port and secret */
export async function endInTurn(
  configurations: ProxyOptions[],
  { signal, everyMs }: EndOptions,
): Promise<EndedProxies> {
  const outputs: string[] = [];
  const running: ProxyProcess[] = await Promise.all(configurations.map(startProxy));
  const calm = new AbortController();
  const endedAt: number[] = [];

  async function endThem(): Promise<void> {
    for (let turn = 0;; turn = (turn + 1) % running.length) {
      await wait(everyMs / 2 + Math.random() * everyMs, undefined, { signal: calm.signal }).catch(() => {});
      if (calm.signal.aborted) return;
      const proxy = running[turn]!;
      endedAt.push(performance.now());
      await proxy.stop(signal);
      outputs.push(proxy.output());
      running[turn] = await startProxy(configurations[turn]!);
    }
  }

  const ending = endThem();
  ending.catch(() => {}); // told by `calm`
  return {
    endedAt,
    output: () => [...outputs, ...running.map((proxy) => proxy.output())].join(""),
    async calm() {
      calm.abort();
      await ending;
    },
    async [Symbol.asyncDispose]() {
      calm.abort();
      await ending.catch(() => {});
      for (const proxy of running) await proxy[Symbol.asyncDispose]();
    },
  };
}

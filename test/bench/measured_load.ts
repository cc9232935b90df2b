// One row in one round: load for some seconds, and what it cost.
import type { Contender } from "./contender.ts";
import type { Settings } from "./section.ts";
import { cpuSeconds } from "./process_usage.ts";
import { runWrk, type WrkRequest } from "./wrk.ts";

export interface Sample {
  requestsPerSecond: number;
  /** CPU of the whole process, user and system; 0 without a process. */
  microsecondsPerRequest: number;
  /** Microseconds until the answer. */
  p50: number;
  p99: number;
  wrong: number;
  /** Cores that the proxy used, all its threads together, and that everything else of the bench did: at 1 a core is full. */
  proxyCores: number;
  loadCores: number;
}

export async function measureLoad(
  contender: Contender,
  request: Omit<WrkRequest, "url">,
  { seconds, folder, connections }: Pick<Settings, "seconds" | "folder"> & { connections: number },
): Promise<Sample> {
  const read = () => ({
    at: performance.now() / 1000,
    proxy: contender.process === undefined ? 0 : cpuSeconds(contender.process.pid),
    all: cpuSeconds(process.pid),
  });
  const before = read();
  const result = await runWrk({ ...request, url: contender.url }, { connections, seconds, folder });
  const after = read();
  const proxy = after.proxy - before.proxy;
  const elapsed = after.at - before.at;
  return {
    requestsPerSecond: result.requestsPerSecond,
    microsecondsPerRequest: proxy / result.requests * 1e6,
    p50: result.p50,
    p99: result.p99,
    wrong: result.wrong,
    proxyCores: proxy / elapsed,
    loadCores: (after.all - before.all - proxy) / elapsed,
  };
}

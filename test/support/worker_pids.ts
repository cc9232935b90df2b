import { eventually } from "./eventually.ts";
import type { ProxyProcess } from "./proxy_process.ts";

/** Process ids of the workers that listen, by their number; of one that was started again the newest. */
export function workerPids({ output }: Pick<ProxyProcess, "output">): number[] {
  const pids: number[] = [];
  for (const [, worker, pid] of output().matchAll(/"worker_ready","worker":(\d+),"pid":(\d+)/g)) {
    pids[Number(worker) - 1] = Number(pid);
  }
  return pids;
}

/** Settles when none of the processes is there any more. */
export async function haveEnded(pids: readonly number[]): Promise<void> {
  await eventually(async () => {
    for (const pid of pids) {
      if (isRunning(pid)) throw new Error(`process ${pid} still runs`);
    }
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

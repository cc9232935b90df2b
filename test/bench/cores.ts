// One core for the proxy under test, another for everything else. Linux only: taskset.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

export interface Cores {
  proxy: number;
  /** Load generator, downstream, and the bench itself. */
  load: number;
  /** That this process may use at all. */
  all: number[];
}

/** @param wanted "0,1": proxy, load; the first two that are not two halves of one when absent. @throws Error in words */
export function chooseCores(wanted: string | undefined): Cores {
  const allowed = allowedCores();
  const [proxy, load] = wanted === undefined ? firstTwo(allowed) : wanted.split(",").map(Number);
  if (proxy === undefined || load === undefined || proxy === load || ![proxy, load].every((c) => allowed.includes(c))) {
    throw new Error(`two cores are needed, one for the proxy and one for the load; this process may use ${allowed}`);
  }
  return { proxy, load, all: allowed };
}

/** This process, and all that it starts unless told otherwise. */
export function moveToLoadCore({ load }: Cores): void {
  const { status, stderr } = spawnSync("taskset", ["-a", "-c", "-p", String(load), String(process.pid)]);
  if (status !== 0) throw new Error(`taskset: ${stderr}`);
}

export function onCores(cores: readonly number[], command: readonly string[]): string[] {
  return ["taskset", "-c", cores.join(), ...command];
}

function firstTwo([first = -1, ...others]: readonly number[]): (number | undefined)[] {
  const twins = expand(readIfThere(`/sys/devices/system/cpu/cpu${first}/topology/thread_siblings_list`));
  return [first, others.find((core) => !twins.includes(core)) ?? others[0]];
}

function allowedCores(): number[] {
  return expand(/^Cpus_allowed_list:\s*(.*)$/m.exec(readIfThere("/proc/self/status"))?.[1] ?? "");
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** "0-2,5" is 0, 1, 2 and 5. */
function expand(list: string): number[] {
  return list.trim().split(",").filter(Boolean).flatMap((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

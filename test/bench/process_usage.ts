// What a process with its children has used, from /proc (proc(5)).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** USER_HZ, which is 100 on every Linux that runs here (`getconf CLK_TCK`). */
export const ticksPerSecond = 100;

interface Stat {
  parent: number;
  /** Of the process itself, and of its children that have ended. */
  ticks: number;
}

/** CPU seconds, user and system, of a process and all below it, dead or alive. */
export function cpuSeconds(pid: number): number {
  return family(pid).reduce((ticks, member) => ticks + member.ticks, 0) / ticksPerSecond;
}

/** MiB of resident memory now, of a process and all below it. */
export function residentMiB(pid: number): number {
  return family(pid).reduce((sum, member) => sum + statusMiB(member.pid, "VmRSS"), 0);
}

/** MiB: the most that was resident since `forgetPeak`. */
export function peakMiB(pid: number): number {
  return family(pid).reduce((sum, member) => sum + statusMiB(member.pid, "VmHWM"), 0);
}

export function forgetPeak(pid: number): void {
  for (const member of family(pid)) writeFileSync(`/proc/${member.pid}/clear_refs`, "5");
}

/** The process and all below it. */
function family(root: number): (Stat & { pid: number })[] {
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger).flatMap((pid) => {
    const stat = readStat(pid);
    return stat === undefined ? [] : [{ pid, ...stat }];
  });
  const members = all.filter(({ pid }) => pid === root);
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.pid));
  return members;
}

/** undefined for a process that has ended meanwhile. */
function readStat(pid: number): Stat | undefined {
  const text = readOrUndefined(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in brackets may hold anything; what follows its last bracket starts with field 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  return { parent: fields[1]!, ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) };
}

function statusMiB(pid: number, key: string): number {
  const line = new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(readOrUndefined(`/proc/${pid}/status`) ?? "");
  return Number(line?.[1] ?? 0) / 1024;
}

function readOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // it has ended
  }
}

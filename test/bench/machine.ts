// The machine, and how quiet it was.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { findProgram } from "../support/programs.ts";
import { cpuSeconds, ticksPerSecond } from "./process_usage.ts";

/** "AMD EPYC, 2 cores, 7.8 GiB, Linux 6.1; Bun 1.4.5, nginx 1.22.1, ..." */
export function describeMachine(): string {
  const { model = "unknown CPU" } = cpus()[0] ?? {};
  const gib = (totalmem() / 2 ** 30).toFixed(1);
  const machine = `${model.trim()}, ${cpus().length} cores, ${gib} GiB, Linux ${release()}`;
  return `${machine}; Bun ${process.versions.bun ?? "none"}, ${versions().join(", ")}`;
}

function versions(): string[] {
  const asked: [string, string][] = [["nginx", "-v"], ["haproxy", "-v"], ["caddy", "version"], ["wrk", "-v"]];
  return asked.map(([program, flag]) => {
    const path = findProgram(program);
    if (path === undefined) return `no ${program}`;
    const { stdout, stderr } = spawnSync(path, [flag], { encoding: "utf8" });
    return `${program} ${/\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0] ?? "of unknown version"}`;
  });
}

/** Seconds of all cores since the machine started. */
interface CoreTimes {
  busy: number;
  stolen: number;
  total: number;
}

function readCoreTimes(): CoreTimes {
  const line = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  // user nice system idle iowait irq softirq steal; what follows is counted in user already.
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, stolen = 0] = line.split(" ")
    .map((ticks) => Number(ticks) / ticksPerSecond);
  const busy = user + nice + system + irq + softirq;
  return { busy, stolen, total: busy + idle + iowait + stolen };
}

export interface Noise {
  /** How much the host took from this machine, and what others on it used. */
  text: string;
  /** What shares a core with others says little about itself. */
  isQuiet: boolean;
}

/** More than this of all cores is not quiet. */
const quietShare = 0.03;

/** The noise from now until it is asked for. */
export function watchNoise(): () => Noise {
  const before = readCoreTimes();
  const ownBefore = cpuSeconds(process.pid);
  return () => {
    const now = readCoreTimes();
    const total = now.total - before.total;
    // Within a blink the clock's ticks are all there is.
    if (total < 0.5) return { text: "", isQuiet: true };
    const others = Math.max(0, now.busy - before.busy - (cpuSeconds(process.pid) - ownBefore)) / total;
    const stolen = (now.stolen - before.stolen) / total;
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
    return {
      text: `Steal ${percent(stolen)}, other processes ${percent(others)} of all cores.`,
      isQuiet: others + stolen <= quietShare,
    };
  };
}

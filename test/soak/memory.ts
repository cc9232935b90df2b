// Resident memory of processes as they live, and whether it stays flat.
import { readFileSync } from "node:fs";

export interface MemoryOfProcess {
  name: string;
  /** Minutes since its start -> MiB. */
  samples: { minute: number; mib: number }[];
}

export interface MemoryWatch {
  watch(name: string, pid: number): void;
  /** No more samples of the process that was watched under this name last. */
  ended(name: string): void;
  stop(): MemoryOfProcess[];
}

const everyMs = 2000;

export function watchMemory(): MemoryWatch {
  const all: MemoryOfProcess[] = [];
  const watched = new Map<string, { pid: number; startedAt: number; process: MemoryOfProcess }>();
  const timer = setInterval(() => {
    for (const { pid, startedAt, process } of watched.values()) {
      const mib = residentMib(pid);
      if (mib !== undefined) process.samples.push({ minute: (performance.now() - startedAt) / 60_000, mib });
    }
  }, everyMs);
  return {
    watch(name, pid) {
      const process = { name, samples: [] };
      all.push(process);
      watched.set(name, { pid, startedAt: performance.now(), process });
    },
    ended: (name) => void watched.delete(name),
    stop() {
      clearInterval(timer);
      return all;
    },
  };
}

/** Undefined where the process has ended. */
function residentMib(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

export interface Flatness {
  minutes: number;
  /** Medians of the first and of the last third of what is looked at. */
  first: number;
  last: number;
  highest: number;
}

/** From minute 2 of its life on; undefined when there are less than 2 more. */
export function flatness({ samples }: MemoryOfProcess): Flatness | undefined {
  const settled = samples.filter(({ minute }) => minute >= 2);
  const minutes = samples.at(-1)?.minute ?? 0;
  if (minutes < 4) return undefined;
  const third = Math.floor(settled.length / 3);
  return {
    minutes,
    first: median(settled.slice(0, third)),
    last: median(settled.slice(-third)),
    highest: Math.max(...settled.map(({ mib }) => mib)),
  };
}

function median(samples: readonly { mib: number }[]): number {
  return samples.map(({ mib }) => mib).sort((one, other) => one - other)[Math.floor(samples.length / 2)] ?? 0;
}

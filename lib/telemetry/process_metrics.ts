// The process as the system sees it, under the names that every Prometheus client uses. Looked at when somebody asks. Of several
// workers: memory and time add up, of the rest the worker counts that is worst off.
import { readdirSync, readFileSync } from "node:fs";
import { type Aggregator, Counter, Gauge, type Registry } from "./prom_client.ts";

export function registerProcessMetrics(registers: Registry[]): void {
  const gauge = (
    { name, help, ofWorkers }: { name: string; help: string; ofWorkers: Aggregator },
    read: () => number | undefined | Promise<number>,
  ) =>
    new Gauge({
      name,
      help,
      registers,
      aggregator: ofWorkers,
      async collect() {
        const value = await read();
        if (value !== undefined) this.set(value);
      },
    });

  gauge(
    { name: "process_start_time_seconds", help: "When it started, seconds since the epoch", ofWorkers: "max" },
    () => performance.timeOrigin / 1000,
  );
  gauge(
    { name: "process_resident_memory_bytes", help: "Memory in use", ofWorkers: "sum" },
    () => process.memoryUsage().rss,
  );
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time used, user and system",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  if (openFiles() !== undefined) {
    gauge({ name: "process_open_fds", help: "Open files and sockets", ofWorkers: "max" }, openFiles);
  }
  const maxFds = maxOpenFiles();
  if (maxFds !== undefined) {
    gauge({ name: "process_max_fds", help: "How many may be open", ofWorkers: "min" }, () => maxFds);
  }
  gauge(
    {
      name: "mcp_oauth_proxy_event_loop_lag_seconds",
      help: "How late a due callback ran at this scrape",
      ofWorkers: "max",
    },
    eventLoopLag,
  );
}

/** Undefined where the system does not say: not Linux, or Deno without the permission. */
function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1; // one is this look itself
  } catch {
    return undefined;
  }
}

/** The soft limit; undefined where the system does not say, or there is none. */
function maxOpenFiles(): number | undefined {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

function eventLoopLag(): Promise<number> {
  const asked = performance.now();
  return new Promise((settle) => setImmediate(() => settle((performance.now() - asked) / 1000)));
}

// The process as the system sees it, under the names that every Prometheus client uses. Looked at when somebody asks.
import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";

export function registerProcessMetrics(registers: Registry[]): void {
  const gauge = (name: string, help: string, read: () => number | undefined | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await read();
        if (value !== undefined) this.set(value);
      },
    });

  gauge("process_start_time_seconds", "When it started, seconds since the epoch", () => performance.timeOrigin / 1000);
  gauge("process_resident_memory_bytes", "Memory in use", () => process.memoryUsage().rss);
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
  if (openFiles() !== undefined) gauge("process_open_fds", "Open files and sockets", openFiles);
  const maxFds = maxOpenFiles();
  if (maxFds !== undefined) gauge("process_max_fds", "How many may be open", () => maxFds);
  gauge("mcp_oauth_proxy_event_loop_lag_seconds", "How late a due callback ran at this scrape", eventLoopLag);
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

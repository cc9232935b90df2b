// One worker of several: a process that is started again whenever it ends, later and later if it keeps ending.
import { type ChildProcess, spawn } from "node:child_process";
import { currentRuntime, type SignalName } from "../runtime/runtime.ts";
import type { Log } from "../telemetry/log.ts";
import type { MetricsSnapshot } from "../telemetry/merged_metrics.ts";
import { createWorkerLink } from "./worker_link.ts";

const restartDelayMs = { first: 100, longest: 30_000 };
/** Who ran for so long did not fail at the start. */
const soundAfterMs = 60_000;
const metricsTimeoutMs = 2000;

export interface KeptWorker {
  /** Whether it came to listen; false when its first process ended before, which is then not started again. */
  ready: Promise<boolean>;
  /** What its process has counted, or had when it last answered. */
  metrics(): Promise<MetricsSnapshot>;
  /** Has it read the configuration again; one that is just starting does so when it listens. */
  reload(): void;
  signal(signal: SignalName): void;
  /** SIGTERM, no new start; SIGKILL after `graceSeconds`. @returns false when it had to be killed */
  stop(graceSeconds: number): Promise<boolean>;
}

export interface KeptWorkerTools {
  worker: number;
  /** Of our own program. */
  args: readonly string[];
  log: Log;
  /** The metrics of all workers, for the one that was asked for them. */
  collectMetrics: () => Promise<MetricsSnapshot>;
  /** Takes over what a process had counted that has ended. */
  onCounted: (last: MetricsSnapshot) => void;
}

/** One process of it. */
interface Run {
  child: ChildProcess;
  isReady: boolean;
  reloadWhenReady: boolean;
  last: MetricsSnapshot;
  ended: Promise<void>;
  askMetrics(timeoutMs: number): Promise<MetricsSnapshot>;
}

/** @throws what keeps the first process from being started */
export function keepWorker({ worker, args, log, collectMetrics, onCounted }: KeptWorkerTools): KeptWorker {
  const ready = Promise.withResolvers<boolean>();
  let hasListened = false;
  let stopping = false;
  let failures = 0;
  let restart: ReturnType<typeof setTimeout> | undefined;
  let current = start();

  function start(): Run {
    const startedAt = performance.now();
    const child = spawnOurselves(args);
    const ended = Promise.withResolvers<void>();
    const link = createWorkerLink({
      input: child.stdout!,
      output: child.stdin!,
      metrics: collectMetrics,
      onReady() {
        hasListened = run.isReady = true;
        log.info("worker_ready", { worker, pid: child.pid });
        if (run.reloadWhenReady) send("SIGHUP");
        ready.resolve(true);
      },
    });
    const run: Run = {
      child,
      isReady: false,
      reloadWhenReady: false,
      last: [],
      ended: ended.promise,
      askMetrics: link.askMetrics,
    };
    const end = (how: Record<string, unknown>) => {
      run.isReady = false;
      onCounted(run.last);
      ready.resolve(false);
      ended.resolve();
      noteEnd({ pid: child.pid, ...how }, performance.now() - startedAt);
    };
    child.once("error", (error) => end({ error }));
    child.once("exit", (code, signal) => end(signal === null ? { code } : { signal }));
    return run;
  }

  function noteEnd(how: Record<string, unknown>, livedMs: number): void {
    if (stopping) return;
    if (!hasListened) return log.error("worker_ended", { worker, ...how });
    if (livedMs > soundAfterMs) failures = 0;
    const delayMs = Math.min(restartDelayMs.first * 2 ** failures++, restartDelayMs.longest);
    log.error("worker_ended", { worker, ...how, starts_again_in_ms: delayMs });
    restart = setTimeout(startAgain, delayMs);
  }

  function startAgain(): void {
    try {
      current = start();
    } catch (error) {
      noteEnd({ error }, 0);
    }
  }

  function send(signal: SignalName | "SIGKILL"): void {
    const { child } = current;
    // Not child.kill: after it Deno reports that signal as the end, whatever the program did with it.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(child.pid, signal);
    }
  }

  return {
    ready: ready.promise,
    signal: send,
    async metrics() {
      const run = current;
      if (!run.isReady) return [];
      const metrics = await run.askMetrics(metricsTimeoutMs).catch((error) => {
        log.warning("worker_metrics_late", { worker, error });
        return run.last;
      });
      return run.isReady ? run.last = metrics : []; // what ended meanwhile was taken over
    },
    reload() {
      if (current.isReady) send("SIGHUP");
      else current.reloadWhenReady = true;
    },
    async stop(graceSeconds) {
      stopping = true;
      clearTimeout(restart);
      let inTime = true;
      const patience = setTimeout(() => {
        inTime = false;
        log.error("worker_killed", { worker, after_seconds: graceSeconds });
        send("SIGKILL");
      }, graceSeconds * 1000);
      send("SIGTERM");
      await current.ended;
      clearTimeout(patience);
      return inTime;
    },
  };
}

/** Its standard input ends when we do, its log is ours, and what a terminal signals reaches it through us only. */
function spawnOurselves(args: readonly string[]): ChildProcess {
  const [program = "", ...first] = currentRuntime().ownCommand(args);
  const { NOTIFY_SOCKET: _, ...env } = process.env;
  return spawn(program, first, { env, stdio: ["pipe", "pipe", "inherit"], detached: true });
}

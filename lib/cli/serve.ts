// serve: the configuration, the server, reload on SIGHUP, a graceful end on SIGTERM.
import { loadConfig } from "../config/load.ts";
import { ConfigError, printProblem } from "../config/problems.ts";
import { currentRuntime, onSignal, streamsAllowedByFileLimit } from "../runtime/runtime.ts";
import { type RunningServer, startServer } from "../server.ts";
import { configureLog, type Log, processLog } from "../telemetry/log.ts";
import { explainFailedStart } from "./failed_start.ts";
import { loadOrReport } from "./load_or_report.ts";
import { tellServiceManager } from "./service_state.ts";
import { stopOnSignals, watchStopSignals } from "./stop_signals.ts";
import { becomeWorker } from "./worker.ts";

export interface ServeCommand {
  configPath: string;
  /** Flags; they beat the file. */
  host?: string;
  port?: number;
  /** Which one of several workers it is, counted from 1. */
  worker?: number;
}

/** Runs until SIGTERM or SIGINT, and at most the grace longer; a second signal ends that. @returns the exit code */
export async function serve({ configPath, host, port, worker: number }: ServeCommand): Promise<number> {
  const isUncapped = currentRuntime().raiseOutgoingLimit();
  const file = { path: configPath, overrides: { host, port } };
  const config = await loadOrReport(file);
  if (config === undefined) return 1;
  configureLog(config.log);
  // Before anything listens, so that a signal that comes at once is not lost.
  const signals = watchStopSignals();
  const worker = number === undefined ? undefined : becomeWorker(number, processLog);
  const log = worker?.log ?? processLog;
  const server = await startServer(config, { log, worker: worker?.ties }).catch((error) =>
    explainFailedStart(error, config.server)
  );
  if (server === undefined) return 1;
  logStreamLimit(log, isUncapped);
  onSignal("SIGHUP", () => void reload(server, file, log));
  worker?.ready(server.metrics);
  await tellServiceManager("READY=1");
  const orphaned = worker?.supervisorEnded.then(() => log.error("supervisor_ended"));
  const signalled = signals.first.then((signal) => log.info("signal_received", { signal }));
  await Promise.race([signalled, ...(orphaned === undefined ? [] : [orphaned])]);
  void tellServiceManager("STOPPING=1");
  await stopOnSignals(server, signals);
  return 0;
}

/** A broken file is reported and the old configuration stays. */
async function reload(
  server: RunningServer,
  { path, overrides }: { path: string; overrides: { host?: string; port?: number } },
  log: Log,
): Promise<void> {
  try {
    const config = await loadConfig({ path, overrides, env: process.env, isTerminal: process.stderr.isTTY });
    configureLog(config.log);
    server.reload(config);
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems.map(printProblem) : undefined;
    log.error("configuration_not_reloaded", problems === undefined ? { error } : { problems });
  }
}

function logStreamLimit(log: Log, isUncapped: boolean): void {
  const streams = streamsAllowedByFileLimit();
  const limit = isUncapped ? streams : Math.min(streams ?? Infinity, 250);
  const advice = { advice: "raise the limit of open files (LimitNOFILE= in systemd, ulimit -n) for more" };
  log.info("stream_limit_known", { streams: limit, ...(limit !== undefined && limit < 1000 ? advice : {}) });
}

// serve: the configuration, the server, reload on SIGHUP, a graceful end on SIGTERM.
import { loadConfig } from "../config/load.ts";
import { ConfigError, printProblem } from "../config/problems.ts";
import { currentRuntime, onSignal, streamsAllowedByFileLimit } from "../runtime/runtime.ts";
import { notifyServiceManager, type ServiceState } from "../runtime/service_manager.ts";
import { type RunningServer, startServer } from "../server.ts";
import { configureLog, processLog as log } from "../telemetry/log.ts";
import { loadOrReport } from "./load_or_report.ts";
import { stopOnSignals, watchStopSignals } from "./stop_signals.ts";

export interface ServeCommand {
  configPath: string;
  /** Flags; they beat the file. */
  host?: string;
  port?: number;
}

/** Runs until SIGTERM or SIGINT, and at most the grace longer; a second signal ends that. @returns the exit code */
export async function serve({ configPath, host, port }: ServeCommand): Promise<number> {
  const isUncapped = currentRuntime().raiseOutgoingLimit();
  const file = { path: configPath, overrides: { host, port } };
  const config = await loadOrReport(file);
  if (config === undefined) return 1;
  await configureLog(config.log);
  // Before anything listens, so that a signal that comes at once is not lost.
  const signals = watchStopSignals();
  const server = await startServer(config).catch((error) => explainFailedStart(error, config.server));
  if (server === undefined) return 1;
  logStreamLimit(isUncapped);
  onSignal("SIGHUP", () => void reload(server, file));
  await tellServiceManager("READY=1");
  log.info("signal_received", { signal: await signals.first });
  void tellServiceManager("STOPPING=1");
  await stopOnSignals(server, signals);
  return 0;
}

/** A service manager that can't be told is reported; it then ends a start that it never heard of. */
async function tellServiceManager(state: ServiceState): Promise<void> {
  try {
    await notifyServiceManager(state);
  } catch (error) {
    const advice = "install systemd-notify, or put Type=exec into the unit";
    log.warning("service_manager_not_told", { state, advice, error });
  }
}

/** A broken file is reported and the old configuration stays. */
async function reload(
  server: RunningServer,
  { path, overrides }: { path: string; overrides: { host?: string; port?: number } },
): Promise<void> {
  try {
    const config = await loadConfig({ path, overrides, env: process.env, isTerminal: process.stderr.isTTY });
    await configureLog(config.log);
    server.reload(config);
  } catch (error) {
    const problems = error instanceof ConfigError ? error.problems.map(printProblem) : undefined;
    log.error("configuration_not_reloaded", problems === undefined ? { error } : { problems });
  }
}

function logStreamLimit(isUncapped: boolean): void {
  const streams = streamsAllowedByFileLimit();
  const limit = isUncapped ? streams : Math.min(streams ?? Infinity, 250);
  const advice = { advice: "raise the limit of open files (LimitNOFILE= in systemd, ulimit -n) for more" };
  log.info("stream_limit_known", { streams: limit, ...(limit !== undefined && limit < 1000 ? advice : {}) });
}

/** What keeps a server from listening, in words. @throws what is nobody's configuration */
function explainFailedStart(error: unknown, { host, port }: { host: string; port: number }): undefined {
  const code = (error as { code?: unknown }).code;
  const text = error instanceof Error ? error.message : String(error);
  if (code === "EADDRINUSE" || /in use/i.test(text)) {
    console.error(`${host}:${port} is taken by another program; stop it, or set server.port or --port`);
  } else if (code === "EACCES" || /permission denied/i.test(text)) {
    console.error(`not allowed to listen on ${host}:${port}; ports below 1024 need root or CAP_NET_BIND_SERVICE`);
  } else {
    console.error(`could not start: ${text}`);
  }
}

// serve --workers N: this process starts N that share the port, keeps them running, passes signals on, and serves nothing itself.
import type { Config } from "../config/config.ts";
import { currentRuntime, onSignal } from "../runtime/runtime.ts";
import { storeKind } from "../store/create_store.ts";
import { configureLog, processLog as log } from "../telemetry/log.ts";
import { createMetricsOfAll } from "../telemetry/merged_metrics.ts";
import { explainFailedStart } from "./failed_start.ts";
import { keepWorker, type KeptWorker } from "./kept_worker.ts";
import { loadOrReport } from "./load_or_report.ts";
import type { ServeCommand } from "./serve.ts";
import { tellServiceManager } from "./service_state.ts";
import { type StopSignals, watchStopSignals } from "./stop_signals.ts";

export type SuperviseCommand = Omit<ServeCommand, "worker"> & {
  /** How many. */
  workers: number;
};

/** A worker ends by itself within `server.shutdown_grace`; what it takes beyond that is cut. */
const patienceSeconds = 5;

/** Runs until SIGTERM or SIGINT and the end of every worker. @returns the exit code */
export async function supervise({ workers: count, ...command }: SuperviseCommand): Promise<number> {
  const { configPath: path, host, port } = command;
  const config = await loadOrReport({ path, overrides: { host, port } });
  if (config === undefined) return 1;
  if (storeKind(config.store.url.reveal()) === "memory") return refuseMemory(count);
  configureLog(config.log);
  const signals = watchStopSignals();
  const freePort = await findFreePort(config.server);
  if (freePort === undefined) return 1;
  if (process.platform !== "linux") {
    const reason = "only Linux divides the connections of a port among those who listen on it";
    log.warning("workers_share_unevenly", { reason });
  }
  const workers: KeptWorker[] = [];
  try {
    const args = workerArgs({ ...command, port: freePort });
    return await run(workers, { count, args, signals, graceSeconds: config.server.shutdownGraceSeconds });
  } catch (error) {
    console.error(`could not start the workers: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function run(
  workers: KeptWorker[],
  { count, args, signals, graceSeconds }: {
    count: number;
    args: readonly string[];
    signals: StopSignals;
    graceSeconds: number;
  },
): Promise<number> {
  let stopping = false;
  void signals.first.then(() => stopping = true);
  onSignal("SIGHUP", () => workers.forEach((worker) => worker.reload()));
  const ofAll = createMetricsOfAll();
  const collectMetrics = async () => await ofAll.merge(await Promise.all(workers.map((worker) => worker.metrics())));
  const start = () => {
    const worker = workers.length + 1;
    const tools = { worker, args: [...args, "--worker", `${worker}`], log, collectMetrics, onCounted: ofAll.keep };
    workers.push(keepWorker(tools));
  };

  /** One alone first: what keeps it from starting would keep all of them, and need not be said by each. */
  async function startAll(): Promise<boolean> {
    start();
    if (!await workers[0]!.ready) return false;
    while (workers.length < count && !stopping) start();
    return (await Promise.all(workers.map((worker) => worker.ready))).every(Boolean);
  }

  const haveStarted = await Promise.race([startAll(), signals.first]);
  if (haveStarted === true) {
    log.info("workers_ready", { workers: count });
    await tellServiceManager("READY=1");
  }
  if (haveStarted !== false) {
    log.info("signal_received", { signal: await signals.first });
    void tellServiceManager("STOPPING=1");
  }
  stopping = true;
  void signals.second.then(() => workers.forEach((worker) => worker.signal("SIGTERM")));
  const inTime = await Promise.all(workers.map((worker) => worker.stop(graceSeconds + patienceSeconds)));
  return haveStarted === false || inTime.includes(false) ? 1 : 0;
}

/** The flags beat the file, in each worker too; a port that was free for any is the same for all. */
function workerArgs({ configPath, host, port }: { configPath: string; host?: string | undefined; port: number }) {
  return ["serve", "-c", configPath, ...(host === undefined ? [] : ["--host", host]), "--port", `${port}`];
}

/** Takes the port alone for a moment: workers, which share it, would not notice that another program has it. */
async function findFreePort({ host, port }: Config["server"]): Promise<number | undefined> {
  try {
    const listener = currentRuntime().serve({ host, port, fetch: () => new Response(null, { status: 503 }) });
    await listener.stop(0);
    return listener.port;
  } catch (error) {
    return explainFailedStart(error, { host, port });
  }
}

function refuseMemory(count: number): number {
  console.error(
    `--workers ${count}: the workers need a store that they share, and store.url is "memory:", which each would have for ` +
      'itself. Set store.url to a file ("sqlite:/var/lib/mcp-oauth-proxy/state.db"), or to "redis://HOST:6379/0" where other ' +
      "machines serve too.",
  );
  return 1;
}

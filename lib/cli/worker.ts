// What makes `serve` one of several workers: it shares the port, answers for its metrics, and ends when its supervisor does.
import type { WorkerTies } from "../server.ts";
import { type Fields, type Log, shareStderr } from "../telemetry/log.ts";
import type { MetricsSnapshot } from "../telemetry/merged_metrics.ts";
import { createWorkerLink } from "./worker_link.ts";

/** Longer than the supervisor waits for all of them. */
const collectTimeoutMs = 4000;

export interface Worker {
  /** Says in every line which worker wrote it. */
  log: Log;
  ties: WorkerTies;
  /** It listens. @param metrics of this process alone */
  ready(metrics: () => Promise<MetricsSnapshot>): void;
  supervisorEnded: Promise<void>;
}

/** @param worker its number, from 1 on */
export function becomeWorker(worker: number, processLog: Log): Worker {
  shareStderr();
  let ownMetrics = async (): Promise<MetricsSnapshot> => [];
  const link = createWorkerLink({ input: process.stdin, output: process.stdout, metrics: () => ownMetrics() });
  return {
    log: withField(processLog, { worker }),
    ties: { collectMetrics: () => link.askMetrics(collectTimeoutMs) },
    ready(metrics) {
      ownMetrics = metrics;
      link.tellReady();
    },
    supervisorEnded: link.ended,
  };
}

function withField(log: Log, field: Fields): Log {
  const levels = Object.entries(log).map(([level, write]) => [
    level,
    (event: string, fields: Fields = {}) => write(event, { ...fields, ...field }),
  ]);
  return Object.fromEntries(levels) as Log;
}

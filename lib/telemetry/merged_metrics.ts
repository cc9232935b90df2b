// The metrics of several processes as those of one: what is counted is added up, for the rest each metric says what counts.
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from "./prom_client.ts";

/** What one process has counted, as JSON carries it. */
export type MetricsSnapshot = MetricObjectWithValues<MetricValue<string>>[];

export interface MetricsOfAll {
  /** Those of the processes that run, and what was counted by those that ended. */
  merge(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot>;
  /** A process has ended: a sum that fell would look to Prometheus as if everything had begun anew. */
  keep(last: MetricsSnapshot): void;
}

export function createMetricsOfAll(): MetricsOfAll {
  let ended: Promise<MetricsSnapshot> = Promise.resolve([]);
  return {
    merge: async (snapshots) => await snapshotOf(mergeMetrics([...snapshots, await ended])),
    keep(last) {
      const counts = last.filter(({ type }) => `${type}` !== "gauge");
      ended = ended.then((before) => snapshotOf(mergeMetrics([before, counts])));
    },
  };
}

/** @param snapshots of processes of the same version */
export function mergeMetrics(snapshots: readonly MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate([...snapshots]);
}

export async function snapshotOf(registry: Registry): Promise<MetricsSnapshot> {
  return await registry.getMetricsAsJSON() as MetricsSnapshot;
}

// What is counted, and how Prometheus reads it. Names and labels are a contract with people's dashboards and alerts
// (docs/monitoring.md). Labels take few values, whatever strangers send (S2-04): see metric_labels.ts.
import { Counter, Gauge, type Metric, Registry } from "./prom_client.ts";
import { mergeMetrics, type MetricsSnapshot, snapshotOf } from "./merged_metrics.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import { createRequestDurations } from "./request_durations.ts";

export interface RequestLabels {
  host: string;
  method: string;
  path: string;
  status: string;
}

export interface Metrics {
  /** The usual outcomes of a resource stand at 0 from now on: Prometheus sees no increase in a counter that begins at 1. */
  expectResource(labels: { resource: string; strategy: string }): void;
  /** @param seconds until the head of the answer was known */
  requestServed(labels: RequestLabels, seconds: number): void;
  streamOpened(resource: string): void;
  streamEnded(resource: string): void;
  /** Of bodies, on the hot path: adds to a number, which a scrape reads. */
  bytesCarried(resource: string, direction: "in" | "out", bytes: number): void;
  loginEnded(labels: { resource: string; strategy: string; outcome: string }): void;
  refreshEnded(labels: { resource: string; outcome: string }): void;
  downstreamFailed(labels: { resource: string; reason: string }): void;
  providerFailed(labels: { provider: string; reason: string }): void;
  /** What this process alone has counted. */
  snapshot(): Promise<MetricsSnapshot>;
  /** All of it, in OpenMetrics text or else in Prometheus' own. */
  print(format: "openmetrics" | "prometheus"): Promise<{ text: string; contentType: string }>;
}

export interface MetricsTools {
  version: string;
  /** Asked at each scrape. */
  storeStatus: () => { healthy: boolean; kind: string };
  /** Of several processes that are one server: those of all, merged. */
  collectFromAll?: (() => Promise<MetricsSnapshot>) | undefined;
}

export const metricPrefix = "mcp_oauth_proxy_";

export function createMetrics({ version, storeStatus, collectFromAll }: MetricsTools): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, labelNames: Label[], help: string) =>
    new Counter({ name: metricPrefix + name, help, labelNames, registers });

  const requests = createRequestDurations();
  registry.registerMetric(requests as unknown as Metric);
  const streams = new Gauge({
    name: `${metricPrefix}active_streams`,
    help: "Event streams open to clients",
    labelNames: ["resource"],
    registers,
  });
  const bytes = new Map<string, { in: number; out: number }>();
  new Counter({
    name: `${metricPrefix}bytes_total`,
    help: "Bytes of bodies carried for known users: in from clients, out to them",
    labelNames: ["resource", "direction"],
    registers,
    collect() {
      this.reset();
      for (const [resource, carried] of bytes) {
        for (const direction of ["in", "out"] as const) this.inc({ resource, direction }, carried[direction]);
      }
    },
  });
  const logins = counter("logins_total", ["resource", "strategy", "outcome"], "Authorizations by how they ended");
  const refreshes = counter("refreshes_total", ["resource", "outcome"], "Refresh token requests by how they ended");
  const downstreamErrors = counter("downstream_errors_total", ["resource", "reason"], "Failures of MCP servers");
  const providerErrors = counter("provider_errors_total", ["provider", "reason"], "Failures of sign-in providers");
  new Gauge({
    name: `${metricPrefix}store_up`,
    help: "1 while the store answers; 0: single use and revocation hold within this process only",
    labelNames: ["kind"],
    registers,
    aggregator: "min",
    collect() {
      const { healthy, kind } = storeStatus();
      this.set({ kind }, healthy ? 1 : 0);
    },
  });
  new Gauge({
    name: `${metricPrefix}build_info`,
    help: "Always 1",
    labelNames: ["version"],
    registers,
    aggregator: "first",
  }).set({ version }, 1);
  new Gauge({ name: `${metricPrefix}processes`, help: "Processes that serve: 1, or the workers that run", registers })
    .set(1);
  registerProcessMetrics(registers);

  return {
    expectResource({ resource, strategy }) {
      logins.inc({ resource, strategy, outcome: "granted" }, 0);
      for (const outcome of ["issued", "invalid_grant"]) refreshes.inc({ resource, outcome }, 0);
      streams.inc({ resource }, 0);
      if (!bytes.has(resource)) bytes.set(resource, { in: 0, out: 0 });
    },
    requestServed: (labels, seconds) => requests.observe(labels, seconds),
    streamOpened: (resource) => streams.inc({ resource }),
    streamEnded: (resource) => streams.dec({ resource }),
    bytesCarried(resource, direction, count) {
      let carried = bytes.get(resource);
      if (carried === undefined) bytes.set(resource, carried = { in: 0, out: 0 });
      carried[direction] += count;
    },
    loginEnded: (labels) => logins.inc(labels),
    refreshEnded: (labels) => refreshes.inc(labels),
    downstreamFailed: (labels) => downstreamErrors.inc(labels),
    providerFailed: (labels) => providerErrors.inc(labels),
    snapshot: () => snapshotOf(registry),
    async print(format) {
      const text = await (collectFromAll === undefined ? registry : mergeMetrics([await collectFromAll()])).metrics();
      return format === "prometheus"
        ? { text, contentType: Registry.PROMETHEUS_CONTENT_TYPE }
        : { text: openMetricsText(text), contentType: Registry.OPENMETRICS_CONTENT_TYPE };
    },
  };
}

/**
 * OpenMetrics 1.0 names a counter's family without `_total`, has no blank lines and says where it ends. Not prom-client's own
 * OpenMetrics registry: printing that renames the counters, and Prometheus text is wrong from then on (15.1.3).
 */
function openMetricsText(prometheusText: string): string {
  const families = prometheusText.replace(/^(# (?:HELP|TYPE) \S+)_total /gm, "$1 ");
  return `${families.replace(/\n{2,}/g, "\n")}# EOF\n`;
}

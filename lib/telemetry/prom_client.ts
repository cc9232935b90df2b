// The parts of prom-client that are used, each by its own path. Its index loads a push gateway, default metrics and OpenTelemetry
// as well: 7 MB of resident memory in every process (Bun 1.4.5), and much of the time until the first answer.
import type * as prom from "prom-client";
// @ts-expect-error The package has types for its index only.
import counter from "prom-client/lib/counter.js";
// @ts-expect-error as above
import gauge from "prom-client/lib/gauge.js";
// @ts-expect-error as above
import aggregatorRegistry from "prom-client/lib/cluster.js";
// @ts-expect-error as above
import registry from "prom-client/lib/registry.js";

export const Counter = counter as typeof prom.Counter;
export const Gauge = gauge as typeof prom.Gauge;
export const Registry = registry as typeof prom.Registry;
export type Registry = prom.Registry;
export const AggregatorRegistry = aggregatorRegistry as typeof prom.AggregatorRegistry;
export type { Aggregator, Metric, MetricObjectWithValues, MetricValue } from "prom-client";

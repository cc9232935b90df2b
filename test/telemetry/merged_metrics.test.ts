import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetricsOfAll } from "../../lib/telemetry/merged_metrics.ts";
import { createMetrics } from "../../lib/telemetry/metrics.ts";
import { parseMetrics } from "../support/metrics_text.ts";

function worker({ healthy = true }: { healthy?: boolean } = {}) {
  const metrics = createMetrics({ version: "1.2.3", storeStatus: () => ({ healthy, kind: "redis" }) });
  const serve = (seconds: number) =>
    metrics.requestServed({ host: "a", method: "POST", path: "/token", status: "200" }, seconds);
  return { ...metrics, serve };
}

test("metrics of workers: counts and streams add up, and the worst off speaks for the rest, in both formats", async () => {
  const [one, two] = [worker(), worker({ healthy: false })];
  [0.001, 0.2].forEach(one.serve);
  two.serve(0.2);
  one.streamOpened("wiki");
  two.streamOpened("wiki");
  const ofAll = createMetricsOfAll();
  const asked = createMetrics({
    version: "1.2.3",
    storeStatus: () => ({ healthy: true, kind: "redis" }),
    collectFromAll: async () => await ofAll.merge([await one.snapshot(), await two.snapshot()]),
  });
  for (const format of ["prometheus", "openmetrics"] as const) {
    const { find } = parseMetrics((await asked.print(format)).text, format);
    assert.equal(find("http_request_duration_seconds_count", { path: "/token" }), 3);
    assert.equal(find("http_request_duration_seconds_bucket", { path: "/token", le: "0.005" }), 1);
    assert.equal(find("mcp_oauth_proxy_active_streams", { resource: "wiki" }), 2);
    assert.equal(find("mcp_oauth_proxy_store_up", { kind: "redis" }), 0);
    assert.equal(find("mcp_oauth_proxy_build_info", { version: "1.2.3" }), 1);
    assert.equal(find("mcp_oauth_proxy_processes"), 2);
    assert.ok(find("process_resident_memory_bytes")! > process.memoryUsage().rss);
  }
});

test("metrics of workers: what one has counted stays when it ends, what it had open does not", async () => {
  const [ended, next] = [worker(), worker()];
  ended.serve(0.2);
  ended.streamOpened("wiki");
  const ofAll = createMetricsOfAll();
  ofAll.keep(await ended.snapshot());
  ofAll.keep(await ended.snapshot());
  next.serve(0.2);
  const merged = await ofAll.merge([await next.snapshot()]);
  const values = (name: string) => merged.find((metric) => metric.name === name)?.values ?? [];
  const count = values("http_request_duration_seconds").find((value) =>
    "metricName" in value && value.metricName === "http_request_duration_seconds_count"
  );
  assert.equal(count?.value, 3);
  assert.deepEqual(values("mcp_oauth_proxy_active_streams"), []);
  assert.equal(values("mcp_oauth_proxy_processes")[0]?.value, 1);
});

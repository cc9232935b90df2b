import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../lib/telemetry/metrics.ts";
import { createBoundedLabel, createHostLabel, methodLabel, statusLabel } from "../../lib/telemetry/metric_labels.ts";
import { metricsAnswer } from "../../lib/telemetry/metrics_answer.ts";
import { parseMetrics } from "../support/metrics_text.ts";

function setUp() {
  const store = { healthy: true, kind: "redis" };
  return { store, metrics: createMetrics({ version: "1.2.3", storeStatus: () => store }) };
}

const scrape = (metrics: ReturnType<typeof setUp>["metrics"], headers: Record<string, string> = {}) =>
  metricsAnswer(metrics, new Request("http://127.0.0.1:9090/metrics", { headers }));

test("S2-04: the request histogram has the seed's name and labels, and its buckets add up", async () => {
  const { metrics } = setUp();
  const labels = { host: "mcp.example.com", method: "POST", path: "/mcp/:name", status: "200" };
  metrics.requestServed(labels, 0.003);
  metrics.requestServed({ ...labels }, 0.3);
  const answer = await scrape(metrics);
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const { find, types } = parseMetrics(await answer.text());
  const name = "http_request_duration_seconds";
  assert.equal(types.get(name), "histogram");
  assert.equal(find(`${name}_count`, labels), 2);
  assert.equal(find(`${name}_sum`, labels), 0.303);
  assert.equal(find(`${name}_bucket`, { ...labels, le: "0.005" }), 1);
  assert.equal(find(`${name}_bucket`, { ...labels, le: "0.5" }), 2);
  assert.equal(find(`${name}_bucket`, { ...labels, le: "+Inf" }), 2);
});

test("S2-04: who accepts OpenMetrics gets it, and Prometheus text is the same before and after", async () => {
  const { metrics } = setUp();
  metrics.refreshEnded({ resource: "notes", outcome: "issued" });
  const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
  for (const round of ["first", "second"]) {
    const open = await scrape(metrics, { accept });
    assert.equal(open.headers.get("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8", round);
    const inOpenMetrics = parseMetrics(await open.text(), "openmetrics");
    assert.equal(inOpenMetrics.types.get("mcp_oauth_proxy_refreshes"), "counter");
    assert.equal(inOpenMetrics.find("mcp_oauth_proxy_refreshes_total", { resource: "notes" }), 1);
    const plain = parseMetrics(await (await scrape(metrics)).text());
    assert.equal(plain.types.get("mcp_oauth_proxy_refreshes_total"), "counter");
    assert.equal(plain.find("mcp_oauth_proxy_refreshes_total", { resource: "notes" }), 1);
  }
});

test("the state of the store is asked at each scrape", async () => {
  const { metrics, store } = setUp();
  const storeUp = async () =>
    parseMetrics(await (await scrape(metrics)).text()).find("mcp_oauth_proxy_store_up", { kind: "redis" });
  assert.equal(await storeUp(), 1);
  store.healthy = false;
  assert.equal(await storeUp(), 0);
  store.healthy = true;
  assert.equal(await storeUp(), 1);
});

test("open streams are counted up and down for each resource", async () => {
  const { metrics } = setUp();
  metrics.streamOpened("notes");
  metrics.streamOpened("notes");
  metrics.streamOpened("wiki");
  metrics.streamEnded("notes");
  const { find } = parseMetrics(await (await scrape(metrics)).text());
  assert.equal(find("mcp_oauth_proxy_active_streams", { resource: "notes" }), 1);
  assert.equal(find("mcp_oauth_proxy_active_streams", { resource: "wiki" }), 1);
});

test("the process tells its version, age, memory, CPU time and open files", async () => {
  const before = Date.now() / 1000;
  const { find } = parseMetrics(await (await scrape(setUp().metrics)).text());
  assert.equal(find("mcp_oauth_proxy_build_info", { version: "1.2.3" }), 1);
  const startedAt = find("process_start_time_seconds")!;
  assert.ok(startedAt > before - 3600 && startedAt <= Date.now() / 1000, `started at ${startedAt}`);
  assert.ok(find("process_resident_memory_bytes")! > 1e6);
  assert.ok(find("process_cpu_seconds_total")! > 0);
  assert.ok(find("mcp_oauth_proxy_event_loop_lag_seconds")! >= 0);
  // Deno lets nobody but a program with every permission look at /proc.
  if (process.platform === "linux" && !("Deno" in globalThis)) assert.ok(find("process_open_fds")! > 3);
});

test("the listener has one path and two methods", async () => {
  const { metrics } = setUp();
  const ask = (path: string, method: string) =>
    metricsAnswer(metrics, new Request(`http://127.0.0.1:9090${path}`, { method }));
  assert.equal((await ask("/", "GET")).status, 404);
  assert.equal((await ask("/metrics/", "GET")).status, 404);
  assert.equal((await ask("/metrics", "HEAD")).status, 200);
  const refused = await ask("/metrics", "POST");
  assert.deepEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
});

test("S2-04: methods, statuses and hosts that nobody configured are one value", () => {
  assert.deepEqual(["GET", "POST", "BREW", "get", ""].map(methodLabel), ["GET", "POST", "other", "other", "other"]);
  assert.deepEqual([200, 404, 499, 299, 599].map(statusLabel), ["200", "404", "499", "2xx", "5xx"]);
  const hostLabel = createHostLabel([
    "https://mcp.example.com/base",
    "http://127.0.0.1:8080",
    "https://wiki.example.com/mcp",
  ]);
  const cases: [string | undefined, string][] = [
    ["mcp.example.com", "mcp.example.com"],
    ["MCP.Example.com:443", "mcp.example.com"],
    ["mcp.example.com.", "mcp.example.com"],
    ["127.0.0.1:8080", "127.0.0.1:8080"],
    ["wiki.example.com", "wiki.example.com"],
    ["127.0.0.1", "other"],
    ["mcp.example.com.evil.example", "other"],
    ["", "other"],
    [undefined, "other"],
  ];
  for (const [host, label] of cases) assert.equal(hostLabel(host), label, String(host));
});

test("S2-04: a label whose values are not known beforehand takes only so many", () => {
  const label = createBoundedLabel(2);
  assert.deepEqual(["a", "b", "c", "a", "d"].map(label), ["a", "b", "other", "a", "other"]);
});

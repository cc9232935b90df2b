import assert from "node:assert/strict";
import { test } from "node:test";
import { countEvents } from "../../lib/telemetry/event_counts.ts";
import { createMetrics } from "../../lib/telemetry/metrics.ts";
import { parseMetrics } from "../support/metrics_text.ts";
import { recordedLog } from "../support/recorded_log.ts";

function setUp() {
  const metrics = createMetrics({ version: "1", storeStatus: () => ({ healthy: true, kind: "memory" }) });
  const { log, events } = recordedLog();
  const strategies = new Map([["notes", "passthrough"], ["wiki", "login"]]);
  return {
    events,
    log: countEvents(log, metrics, strategies),
    async count(name: string, labels: Record<string, string>) {
      return parseMetrics((await metrics.print("prometheus")).text).find(`mcp_oauth_proxy_${name}`, labels);
    },
    async series(name: string) {
      const { samples } = parseMetrics((await metrics.print("prometheus")).text);
      return samples.filter((sample) => sample.name === `mcp_oauth_proxy_${name}`);
    },
  };
}

test("every event still reaches the log, with its level and its fields", () => {
  const { log, events } = setUp();
  log.warning("downstream_unreachable", { resource: "notes" });
  log.debug("something_else");
  assert.deepEqual(events, [
    { level: "warning", event: "downstream_unreachable", fields: { resource: "notes" } },
    { level: "debug", event: "something_else", fields: {} },
  ]);
});

test("logins are counted by resource, strategy and outcome", async () => {
  const { log, count } = setUp();
  log.info("authorization_code_issued", { resource: "wiki", client_id: "x" });
  log.info("authorization_code_issued", { resource: "wiki", client_id: "y" });
  log.info("authorization_refused", { resource: "notes", error: "access_denied" });
  assert.equal(await count("logins_total", { resource: "wiki", strategy: "login", outcome: "granted" }), 2);
  assert.equal(
    await count("logins_total", { resource: "notes", strategy: "passthrough", outcome: "access_denied" }),
    1,
  );
});

test("refreshes are counted by outcome, and codes are no refreshes", async () => {
  const { log, series } = setUp();
  log.info("token_issued", { resource: "notes", grant_type: "authorization_code" });
  log.info("token_refused", { resource: "notes", grant_type: "authorization_code", error: "invalid_grant" });
  log.info("token_issued", { resource: "notes", grant_type: "refresh_token" });
  log.info("token_refused", { resource: "notes", grant_type: "refresh_token", error: "temporarily_unavailable" });
  const counted = (await series("refreshes_total")).filter(({ value }) => value > 0);
  assert.deepEqual(counted.map(({ labels, value }) => [labels.resource, labels.outcome, value]), [
    ["notes", "issued", 1],
    ["notes", "temporarily_unavailable", 1],
  ]);
});

test("the usual outcomes stand at 0 before anything happened, so that the first one is an increase", async () => {
  const { count } = setUp();
  assert.equal(await count("logins_total", { resource: "wiki", strategy: "login", outcome: "granted" }), 0);
  for (const outcome of ["issued", "invalid_grant"]) {
    assert.equal(await count("refreshes_total", { resource: "notes", outcome }), 0);
  }
  assert.equal(await count("active_streams", { resource: "notes" }), 0);
});

test("failures of downstreams and providers are counted by reason", async () => {
  const { log, count } = setUp();
  log.warning("downstream_unreachable", { resource: "notes", reason: "ECONNREFUSED" });
  log.error("downstream_answered_html", { resource: "notes", status: 200 });
  log.warning("provider_unavailable", { resource: "wiki", provider: "google" });
  log.error("provider_not_discovered", { resource: "notes" });
  assert.equal(await count("downstream_errors_total", { resource: "notes", reason: "unreachable" }), 1);
  assert.equal(await count("downstream_errors_total", { resource: "notes", reason: "answered_html" }), 1);
  assert.equal(await count("provider_errors_total", { provider: "google", reason: "unavailable" }), 1);
  assert.equal(await count("provider_errors_total", { provider: "notes", reason: "not_discovered" }), 1);
});

test("S2-04: a downstream that names ever new providers makes no ever new series", async () => {
  const { log, series } = setUp();
  for (let i = 0; i < 1_000; i++) log.warning("provider_unavailable", { resource: "notes", provider: `p${i}.example` });
  const counted = await series("provider_errors_total");
  assert.equal(counted.length, 101);
  assert.equal(counted.find(({ labels }) => labels.provider === "other")!.value, 900);
});

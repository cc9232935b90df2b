// Dashboard, alert rules and documentation speak of metrics that exist, and the documentation of all of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { countedReasons } from "../../lib/telemetry/event_counts.ts";
import { createMetrics } from "../../lib/telemetry/metrics.ts";
import { parseMetrics } from "../support/metrics_text.ts";

const root = resolve(import.meta.dirname!, "../..");
const read = (path: string) => readFileSync(resolve(root, path), "utf8");

/** Every sample that there can be, each with its labels. */
async function everything() {
  const metrics = createMetrics({ version: "1", storeStatus: () => ({ healthy: true, kind: "memory" }) });
  metrics.requestServed({ host: "h", method: "GET", path: "/", status: "200" }, 1);
  metrics.streamOpened("r");
  metrics.bytesCarried("r", "out", 1);
  metrics.loginEnded({ resource: "r", strategy: "login", outcome: "granted" });
  metrics.refreshEnded({ resource: "r", outcome: "issued" });
  metrics.downstreamFailed({ resource: "r", reason: "unreachable" });
  metrics.providerFailed({ provider: "p", reason: "unavailable" });
  return parseMetrics((await metrics.print("prometheus")).text);
}

const namePattern = /\b(?:http_request|process|mcp_oauth_proxy)_[a-z_]+\b/g;
/** A name and what stands in braces behind it. */
const selectorPattern = /\b((?:http_request|process|mcp_oauth_proxy)_[a-z_]+)\{([^{}]*)\}/g;
/** Deno lets nobody but a program with every permission look at /proc; there these are left out. */
const perhapsAbsent = "Deno" in globalThis ? ["process_open_fds", "process_max_fds"] : [];
/** Prometheus adds these itself. */
const targetLabels = ["job", "instance"];

const alerts = read("deploy/prometheus/alerts.yml");
const dashboard = JSON.parse(read("deploy/grafana/dashboard.json")) as {
  panels: { title: string; targets: { expr: string; legendFormat: string }[] }[];
  templating: { list: { query: unknown }[] };
};
const queries = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  JSON.stringify(dashboard.templating),
];

for (const [what, text] of [["the alert rules", alerts], ["the dashboard", queries.join("\n")]] as const) {
  test(`S2-04: ${what} ask for samples and labels that exist`, async () => {
    const { samples } = await everything();
    const names = new Set([...perhapsAbsent, ...samples.map(({ name }) => name)]);
    const asked = [...text.matchAll(namePattern)].map(([name]) => name);
    assert.ok(asked.length >= 10);
    assert.deepEqual(asked.filter((name) => !names.has(name)), []);
    for (const [selector, name, matchers] of text.matchAll(selectorPattern)) {
      const known = [...targetLabels, ...samples.filter((each) => each.name === name).flatMap(labelsOf)];
      const labels = [...matchers!.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label!);
      assert.deepEqual(labels.filter((label) => !known.includes(label)), [], selector);
    }
  });
}

const labelsOf = ({ labels }: { labels: Record<string, string> }) => Object.keys(labels);

test("every query has its brackets closed, and each alert a severity and a summary", () => {
  for (const query of [...queries, alerts]) {
    for (const [open, close] of ["()", "[]", "{}"]) {
      assert.equal(query.split(open!).length, query.split(close!).length, query.slice(0, 200));
    }
  }
  const rules = alerts.split("- alert: ").slice(1);
  assert.ok(rules.length >= 8);
  for (const rule of rules) {
    assert.match(rule, /\n {8}expr: /);
    assert.match(rule, /\n {8}labels: \{ severity: (warning|critical) \}/);
    assert.match(rule, /\n {10}summary: "[^"]+"/);
  }
});

test("the documentation names every metric, every reason and every alert, and no other", async () => {
  const documentation = read("docs/monitoring.md");
  const families = [...(await everything()).types.keys()];
  const documented = [...documentation.matchAll(/`((?:http_request|process|mcp_oauth_proxy)_[a-z_]+)`/g)].map((
    [, name],
  ) => name!);
  // process_max_fds and process_open_fds are there on Linux only.
  const expected = new Set([...families, "process_open_fds", "process_max_fds"]);
  assert.deepEqual(new Set(documented), expected);
  for (const reason of [...countedReasons.downstream, ...countedReasons.provider]) {
    assert.ok(documentation.includes(`| \`${reason}\` | \``), `reason ${reason}`);
  }
  for (const [, alert = ""] of alerts.matchAll(/- alert: (\w+)/g)) {
    assert.ok(documentation.includes(`\`${alert}\``), alert);
  }
});

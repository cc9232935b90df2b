// What the person who operates it can see from the outside: /metrics and /readyz.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as rawRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { type FakeMcpServer, json, sse, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { freePort } from "../support/free_port.ts";
import { type MetricsText, parseMetrics } from "../support/metrics_text.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { needs } from "../support/programs.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RedisServer, startRedis } from "../support/redis_server.ts";

const prefix = "mcp_oauth_proxy_";
let downstream: FakeMcpServer;
let proxy: ProxyProcess;

const notes = (more = "") => `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"

[downstream.away]
display_name = "Away"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
${more}`;

before(async () => {
  downstream = await startFakeMcpServer(json({ jsonrpc: "2.0", id: 1, result: {} }));
  proxy = await startProxy({ toml: notes("[rate_limit]\nper_address = 0") });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream.close();
});

async function scrape(url = `${proxy.url}/metrics`): Promise<MetricsText> {
  const answer = await fetch(url);
  assert.equal(answer.status, 200);
  return parseMetrics(await answer.text());
}

/** With any method and any Host, which fetch would not send. */
function ask(path: string, { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> }) {
  return new Promise<number>((settle, fail) => {
    const options = { host: "127.0.0.1", port: proxy.port, path, method, headers, agent: false };
    rawRequest(options, (answer) => answer.resume().on("end", () => settle(answer.statusCode!))).on("error", fail)
      .end();
  });
}

test("S2-04: requests are measured by host, method, route and status; logins and refreshes by how they ended", async () => {
  const client = await createTestClient(proxy.url, "notes");
  const { access_token, refresh_token } = await client.signIn();
  assert.equal((await client.mcp(access_token!, { method: "POST", body: "{}" })).status, 200);
  assert.equal((await client.refresh(refresh_token!)).status, 200);
  assert.equal((await client.refresh("no such token")).status, 400);
  const { find } = await scrape();
  const host = `127.0.0.1:${proxy.port}`;
  const served = (method: string, path: string, status: string) =>
    find("http_request_duration_seconds_count", { host, method, path, status });
  assert.equal(served("POST", "/mcp/:name", "200"), 1);
  assert.equal(served("POST", "/token/mcp/:name", "200"), 2);
  assert.equal(served("POST", "/token/mcp/:name", "400"), 1);
  assert.equal(served("POST", "/register/mcp/:name", "201"), 1);
  assert.equal(
    find(`${prefix}logins_total`, { resource: "notes", strategy: "passthrough", outcome: "granted" }),
    1,
  );
  assert.equal(find(`${prefix}refreshes_total`, { resource: "notes", outcome: "issued" }), 1);
  assert.equal(find(`${prefix}refreshes_total`, { resource: "notes", outcome: "invalid_grant" }), 1);
  assert.equal(find(`${prefix}store_up`, { kind: "memory" }), 1);
});

test("an MCP server that is away is counted where it is logged", async () => {
  const client = await createTestClient(proxy.url, "away");
  const { access_token } = await client.signIn();
  assert.equal((await client.mcp(access_token!, { method: "POST", body: "{}" })).status, 502);
  const { find } = await scrape();
  assert.equal(find(`${prefix}downstream_errors_total`, { resource: "away", reason: "unreachable" }), 1);
  await proxy.logged('"event":"downstream_unreachable","resource":"away"');
});

test("an event stream is counted while it is open", async () => {
  const client = await createTestClient(proxy.url, "notes");
  const { access_token } = await client.signIn();
  const open = async () => (await scrape()).find(`${prefix}active_streams`, { resource: "notes" });
  downstream.behave(sse(["data: 1\n\n"]));
  const leave = new AbortController();
  const stream = await client.mcp(access_token!, { headers: { accept: "text/event-stream" }, signal: leave.signal });
  assert.equal(stream.status, 200);
  assert.equal(await open(), 1);
  leave.abort();
  await eventually(async () => assert.equal(await open(), 0));
  downstream.behave(json({ jsonrpc: "2.0", id: 1, result: {} }));
});

test("issue 7: bytes of bodies are counted both ways, small, large and streamed; those of refusals are not", async () => {
  const client = await createTestClient(proxy.url, "notes");
  const { access_token } = await client.signIn();
  const counted = async () => {
    const { find } = await scrape();
    const bytes = (direction: string) => find(`${prefix}bytes_total`, { resource: "notes", direction })!;
    return { in: bytes("in"), out: bytes("out") };
  };
  const post = async (body: string, token = access_token!) =>
    await (await client.mcp(token, { method: "POST", body })).text();
  const before = await counted();
  const large = JSON.stringify("x".repeat(100_000));
  const small = await post("{}");
  downstream.behave(json("x".repeat(100_000)));
  assert.equal(await post(large), large);
  await post("refused", "no such token");
  downstream.behave(sse(["data: 1\n\n"]));
  const leave = new AbortController();
  const stream = await client.mcp(access_token!, { headers: { accept: "text/event-stream" }, signal: leave.signal });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("data: 1\n\n");) text += (await reader.read()).value;
  assert.deepEqual(await counted(), {
    in: before.in + 2 + large.length,
    out: before.out + small.length + large.length + "data: 1\n\n".length,
  });
  leave.abort();
  await reader.read().catch(() => {}); // the abort, which is meant
  downstream.behave(json({ jsonrpc: "2.0", id: 1, result: {} }));
});

test("S2-04: a flood of random paths, hosts, methods and names adds no more than a handful of series", async () => {
  const random = () => Math.random().toString(36).slice(2);
  for (let i = 0; i < 300; i++) {
    const method = ["GET", "REPORT", "PROPFIND", "PUT", "POST"][i % 5]!;
    await ask(`/${random()}/${random()}?${random()}`, { method, headers: { host: `${random()}.example` } });
    await ask(`/mcp/${random()}`, { method, headers: { host: `${random()}.example` } });
    await ask(`/token/mcp/${random()}`, { method: "POST" });
  }
  const { samples, find } = await scrape();
  const series = samples.filter(({ name }) => name === "http_request_duration_seconds_count");
  assert.ok(series.length < 40, `${series.length} series`);
  assert.ok(
    find("http_request_duration_seconds_count", {
      host: "other",
      method: "other",
      path: "other",
      status: "404",
    })! >= 120,
  );
  const values = new Set(samples.flatMap(({ labels }) => Object.values(labels)));
  assert.ok([...values].every((value) => !value.endsWith(".example")), "no value of the flood became a label");
});

test("S2-04: on the main listener /metrics is for this machine, not for those whom a reverse proxy here serves", async () => {
  assert.equal(await ask("/metrics", {}), 200);
  assert.equal(await ask("/metrics", { headers: { "x-forwarded-for": "203.0.113.9" } }), 404);
  assert.equal(await ask("/metrics", { headers: { "x-forwarded-for": "127.0.0.1" } }), 404);
});

test("S2-04: with [metrics] listen it has a listener of its own, and the main one does not know it", async () => {
  const metricsPort = await freePort();
  await using own = await startProxy({ toml: notes(`[metrics]\nlisten = "127.0.0.1:${metricsPort}"`) });
  assert.equal((await fetch(`${own.url}/metrics`)).status, 404);
  const { find } = await scrape(`http://127.0.0.1:${metricsPort}/metrics`);
  assert.equal(find("http_request_duration_seconds_count", { path: "other", status: "404" }), 1);
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/mcp/notes`)).status, 404);
});

test("a port for metrics that is taken stops the start and is named", async () => {
  const taken = Number(new URL(downstream.url).port);
  await assert.rejects(
    startProxy({ toml: notes(`[metrics]\nlisten = "127.0.0.1:${taken}"`) }),
    (error: Error) => error.message.includes("metrics.listen") && error.message.includes(String(taken)),
  );
});

/** What an operator sees of the store, and that users see nothing of it. */
async function sees(away: ProxyProcess, { up, kind }: { up: 0 | 1; kind: string }): Promise<void> {
  const client = await createTestClient(away.url, "notes");
  const { access_token, refresh_token } = await client.signIn();
  assert.equal((await client.mcp(access_token!, { method: "POST", body: "{}" })).status, 200);
  assert.equal((await client.refresh(refresh_token!)).status, 200);
  await eventually(async () => {
    const ready = await fetch(`${away.url}/readyz`);
    assert.equal(ready.status, 200); // out of service is worse than per-process memory
    assert.equal(
      await ready.text(),
      up ? "" : "store unavailable: single use and revocation hold within this process only\n",
    );
    assert.equal((await scrape(`${away.url}/metrics`)).find(`${prefix}store_up`, { kind }), up);
  });
}

test("issue 3: Redis goes away and comes back: logins go on; log, metric and /readyz say so", {
  skip: needs("redis-server"),
}, async () => {
  const redis: RedisServer = await startRedis();
  try {
    await using away = await startProxy({ toml: notes(`[store]\nurl = "${redis.url}"`) });
    await sees(away, { up: 1, kind: "redis" });
    await redis.kill();
    await sees(away, { up: 0, kind: "redis" });
    await away.logged("store_unavailable");
    await redis.start();
    await sees(away, { up: 1, kind: "redis" });
    await away.logged("store_recovered");
  } finally {
    await redis.remove();
  }
});

test("issue 3: an SQLite file that takes no writes: logins go on; log, metric and /readyz say so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-away-"));
  const path = join(folder, "state.db");
  try {
    await using away = await startProxy({ toml: notes(`[store]\nurl = "sqlite:${path}"`) });
    await sees(away, { up: 1, kind: "sqlite" });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE"); // holds the file against all other writers
    await sees(away, { up: 0, kind: "sqlite" });
    await away.logged("store_unavailable");
    other.exec("ROLLBACK");
    other.close();
    await sees(away, { up: 1, kind: "sqlite" });
    await away.logged("store_recovered");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

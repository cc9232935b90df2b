// serve --workers: several processes behind one port are one server. What fires at the same moment reaches different ones.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { chainedConfiguration, startRotatingProvider } from "../faults/rotating_provider.ts";
import { allow } from "../support/chained_stage.ts";
import { eventually } from "../support/eventually.ts";
import { parseMetrics } from "../support/metrics_text.ts";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";
import { needs } from "../support/programs.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { recordingDownstream } from "../support/recording_downstream.ts";
import { startRedis } from "../support/redis_server.ts";
import { haveEnded, workerPids } from "../support/worker_pids.ts";

const workers = 3;
const at = 64;
const perAddress = 300;
const call = { method: "POST", headers: { "content-type": "application/json" }, body: '{"jsonrpc":"2.0","id":1}' };

const many = <T>(attempt: () => Promise<T>, times = at) => Promise.all(Array.from({ length: times }, attempt));

interface Stage {
  proxy: ProxyProcess;
  keys: TestClient;
  chained: TestClient;
}

/** A stage with the store at `storeUrl`; the tests follow one another on it. */
async function onStage(storeUrl: string, play: (stage: Stage) => Promise<void>): Promise<void> {
  await using downstream = await recordingDownstream();
  await using provider = await startRotatingProvider({ graceMs: 0, latencyMs: () => 0, failing: 0 });
  await using proxy = await startProxy({
    workers,
    toml: `${chainedConfiguration(provider, storeUrl).replace("per_address = 0", `per_address = ${perAddress}`)}
[downstream.keys]
display_name = "Keys"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  const [keys, chained] = [await createTestClient(proxy.url, "keys"), await createTestClient(proxy.url, "notes")];
  await play({ proxy, keys, chained });
}

async function singleUse({ proxy, keys, chained }: Stage): Promise<void> {
  // S1-30
  const code = await keys.code("the-key");
  const redeemed = await many(() => keys.redeem(code));
  const good = redeemed.filter(({ status }) => status === 200);
  assert.equal(good.length, 1, "one code is redeemed once");
  assert.ok(redeemed.every(({ status, body }) => status === 200 || body.error === "invalid_grant"));
  assert.equal((await keys.refresh(good[0]!.body.refresh_token!)).body.error, "invalid_grant");
  const servedBy = () => new Set([...proxy.output().matchAll(/"token_refused".*"worker":(\d)/g)].map(([, at]) => at));
  await eventually(async () => assert.ok(servedBy().size > 1, "more than one worker was asked"));

  // S1-22
  const back = await chained.browser.get(await allow(chained));
  const cookie = [...chained.browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const answers = await many(() => fetch(back.location!, { headers: { cookie }, redirect: "manual" }));
  const led = answers.filter(({ headers }) => headers.get("location")?.startsWith(redirectUri));
  assert.equal(led.filter((answer) => new URL(answer.headers.get("location")!).searchParams.has("code")).length, 1);
}

async function rotation({ keys, chained }: Stage): Promise<void> {
  // S1-40: at a provider that takes its own refresh token once
  const { location } = await chained.browser.follow(await chained.browser.get(await allow(chained)), redirectUri);
  const first = (await chained.redeem(new URL(location!).searchParams.get("code")!)).body;
  const renewed = await many(() => chained.refresh(first.refresh_token!));
  assert.deepEqual(new Set(renewed.map(({ status }) => status)), new Set([200]));
  assert.equal(new Set(renewed.map(({ body }) => body.refresh_token)).size, 1, "all get the same answer");
  assert.equal((await chained.refresh(renewed[0]!.body.refresh_token!)).status, 200);

  // RFC 7009 §2.1: after the answer, wherever the next request arrives
  const revoked = await keys.signIn();
  await many(() => keys.mcp(revoked.access_token!, call));
  assert.equal((await keys.revoke(revoked.refresh_token!)).status, 200);
  const after = await many(() => keys.refresh(revoked.refresh_token!));
  assert.deepEqual(new Set(after.map(({ body }) => body.error)), new Set(["invalid_grant"]));
}

async function limits({ proxy }: Stage): Promise<void> {
  const startedAt = performance.now();
  const answers = await many(
    () => fetch(`${proxy.url}/revoke/mcp/keys`, { method: "POST", body: "" }),
    perAddress + 100,
  );
  const allowed = answers.filter(({ status }) => status !== 429).length;
  const seconds = Math.ceil((performance.now() - startedAt) / 1000) + 1; // a store's clock may tell whole seconds only
  const refilled = seconds * perAddress / 60;
  assert.ok(allowed >= perAddress - at && allowed <= perAddress + refilled, `${allowed} of ${answers.length} allowed`);
  assert.match(answers.find(({ status }) => status === 429)!.headers.get("retry-after")!, /^[1-9]\d?$/);
}

async function processesComeAndGo({ proxy, keys }: Stage): Promise<void> {
  const { access_token } = await keys.signIn();
  const scrape = async () => parseMetrics(await (await fetch(`${proxy.url}/metrics`)).text());
  const mcpRequests = async () =>
    (await scrape()).find("http_request_duration_seconds_count", { path: "/mcp/:name", status: "200" });
  const before = await many(() => keys.mcp(access_token!, call)).then(mcpRequests);

  const [victim = 0, ...others] = workerPids(proxy);
  assert.equal(others.length, workers - 1);
  process.kill(victim, "SIGKILL");
  await haveEnded([victim]);
  const answers = await many(() => keys.mcp(access_token!, call), 2 * at);
  assert.ok(answers.every(({ status }) => status === 200), "the others serve at once");
  await eventually(async () => assert.notEqual(workerPids(proxy)[0], victim, "it is started again"));
  // Of a worker that takes two seconds to answer /metrics has older figures.
  await eventually(async () => assert.equal((await scrape()).find("mcp_oauth_proxy_processes"), workers));
  await eventually(async () =>
    assert.equal(await mcpRequests(), before! + 2 * at, "what the dead one counted stays counted")
  );

  appendFileSync(
    proxy.configPath,
    `[downstream.more]\ndisplay_name = "More"\nstrategy = "passthrough"\ndownstream_url = "http://127.0.0.1:9/"\n`,
  );
  process.kill(proxy.pid, "SIGHUP");
  const reloads = () => proxy.output().split('"configuration_reloaded"').length - 1;
  await eventually(async () => assert.equal(reloads(), workers));
  const metadata = await many(() => fetch(`${proxy.url}/.well-known/oauth-protected-resource/mcp/more`));
  assert.ok(metadata.every(({ status }) => status === 200), "every worker knows what was added");

  const pids = workerPids(proxy);
  assert.equal(await proxy.stop("SIGTERM"), 0);
  await haveEnded(pids);
  // None is torn apart by another worker's; what is no event at all are Deno's own words.
  for (const line of proxy.output().split("\n")) if (line.startsWith("{") || line.includes('"event"')) JSON.parse(line);
}

test("--workers with sqlite: single use, rotation, revocation and limits hold over all; processes come and go", async () => {
  const folder = mkdtempSync(join(tmpdir(), "workers-"));
  try {
    await onStage(`sqlite:${folder}/state.db`, async (stage) => {
      await singleUse(stage);
      await rotation(stage);
      await limits(stage);
      await processesComeAndGo(stage);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const onOneRuntime = "Bun" in globalThis && !process.env.MCP_OAUTH_PROXY_BIN ? undefined : "once is enough";

test("--workers with redis: the same; and when the first process is killed, none is left behind", {
  skip: onOneRuntime ?? needs("redis-server"),
}, async () => {
  const redis = await startRedis();
  try {
    await onStage(redis.url, async (stage) => {
      await singleUse(stage);
      await rotation(stage);
      await limits(stage);
      const pids = workerPids(stage.proxy);
      assert.equal(pids.length, workers);
      await stage.proxy.stop("SIGKILL");
      await haveEnded(pids);
    });
  } finally {
    await redis.remove();
  }
});

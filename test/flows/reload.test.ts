// SIGHUP: a good file is served from then on, a broken one is reported and the old one stays; nobody who is connected notices.
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { type FakeMcpServer, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { createTestClient, testClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const post = { method: "POST", body: "{}" };

let downstream: FakeMcpServer;
before(async () => void (downstream = await startFakeMcpServer()));
after(() => downstream.close());

const notes = (more = "") => `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
${more}
`;

/** Sends SIGHUP and waits until the proxy has said what came of it, once more than before. */
async function reload(proxy: ProxyProcess, outcome: "configuration_reloaded" | "configuration_not_reloaded") {
  const told = () => proxy.output().split("\n").filter((line) => line.includes(outcome));
  const before = told().length;
  process.kill(proxy.pid, "SIGHUP");
  return await eventually(async () => {
    assert.ok(told().length > before, proxy.output());
    return JSON.parse(told().at(-1)!) as { problems?: string[] };
  });
}

test("SIGHUP: a good file swaps servers and lifetimes in; tokens, revocations and spent codes from before stay what they were", async () => {
  await using proxy = await startProxy({ toml: notes() });
  const client = await createTestClient(proxy.url, "notes");
  const kept = await client.signIn();
  const revoked = await client.signIn();
  assert.equal((await client.revoke(revoked.refresh_token!)).status, 200);
  const spent = await client.code("the-key");
  assert.equal((await client.redeem(spent)).status, 200);
  const unspent = await client.code("the-key");

  appendFileSync(proxy.configPath, `[tokens]\naccess_token_ttl = 120\n${notes().replaceAll("notes", "tasks")}`);
  await reload(proxy, "configuration_reloaded");

  const added = await fetch(`${proxy.url}/.well-known/oauth-protected-resource/mcp/tasks`);
  assert.equal(added.status, 200);
  assert.equal((await client.mcp(kept.access_token!, post)).status, 200);
  assert.equal((await client.mcp(revoked.access_token!, post)).status, 401);
  assert.equal((await client.refresh(revoked.refresh_token!)).body.error, "invalid_grant");
  assert.equal((await client.redeem(spent)).body.error, "invalid_grant");
  const redeemed = await client.redeem(unspent);
  assert.deepEqual([redeemed.status, redeemed.body.expires_in], [200, 120]);
  assert.equal((await client.refresh(kept.refresh_token!)).body.expires_in, 120);

  writeFileSync(
    proxy.configPath,
    readFileSync(proxy.configPath, "utf8").replaceAll("downstream.notes", "downstream.gone"),
  );
  await reload(proxy, "configuration_reloaded");
  assert.equal((await client.mcp(kept.access_token!, post)).status, 404);
  assert.equal((await testClient(proxy.url, "gone", client.clientId).mcp(kept.access_token!, post)).status, 401);
});

test("SIGHUP: a broken file is reported with its line, without its secrets, and the old one stays; the repaired one then counts", async () => {
  await using proxy = await startProxy({ toml: notes() });
  const client = await createTestClient(proxy.url, "notes");
  const { access_token } = await client.signIn();
  const good = readFileSync(proxy.configPath, "utf8");
  const stateSecret = /state_secret = "(.*)"/.exec(good)![1]!;

  const broken: [text: string, problem: RegExp][] = [
    [good.replace("[downstream.notes]", "[downstream.notes"), /line \d+.*not valid TOML/],
    [good.replace("downstream_url", "downstream_ulr"), /did you mean "downstream_url"/],
    [good.replace(stateSecret, stateSecret.slice(0, 20)), /server\.state_secret/],
    ["", /server\.public_url: is required/],
  ];
  for (const [text, problem] of broken) {
    writeFileSync(proxy.configPath, text);
    const { problems } = await reload(proxy, "configuration_not_reloaded");
    assert.ok(problems?.some((line) => problem.test(line)), `${problem} not in ${problems}`);
    assert.equal((await client.mcp(access_token!, post)).status, 200);
  }
  writeFileSync(proxy.configPath, good + notes().replaceAll("notes", "tasks"));
  await reload(proxy, "configuration_reloaded");
  assert.equal((await fetch(`${proxy.url}/.well-known/oauth-protected-resource/mcp/tasks`)).status, 200);
  assert.ok(!(await proxy.settledOutput()).includes(stateSecret.slice(0, 20)));
});

test("SIGHUP: an open SSE stream goes on, also when its server is gone from the file; what can't change is said", async () => {
  await using proxy = await startProxy({ toml: notes(), server: "sse_keepalive = 0" });
  const client = await createTestClient(proxy.url, "notes");
  const { access_token } = await client.signIn();
  const opened = Promise.withResolvers<ServerResponse>();
  downstream.behave((_request, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream" }).write("data: before\n\n");
    opened.resolve(answer);
  });
  const stream = await client.mcp(access_token!, { headers: { accept: "text/event-stream", "mcp-session-id": "s" } });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  const until = async (text: string) => {
    while (!seen.includes(text)) {
      const { done, value } = await reader.read();
      assert.ok(!done, `ended before ${text}`);
      seen += value;
    }
  };
  await until("data: before");
  const text = readFileSync(proxy.configPath, "utf8");
  writeFileSync(proxy.configPath, text.replaceAll("notes", "other").replace(`\nport = ${proxy.port}`, "\nport = 1234"));
  await reload(proxy, "configuration_reloaded");
  await proxy.logged('configuration_needs_restart.*"key":"server\\.port"');

  const answer = await opened.promise;
  answer.write("data: after\n\n");
  await until("data: after");
  answer.end();
  assert.equal((await reader.read()).done, true);
  downstream.behave(json({}));
});

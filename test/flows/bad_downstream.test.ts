// Issue 2: a downstream that misbehaves gets its client a clear error from the whole program, and costs neither login nor process.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Behaviour,
  dieBeforeHead,
  dieMidBody,
  type FakeMcpServer,
  gzip,
  hang,
  html,
  json,
  redirect,
  sse,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { freePort } from "../support/free_port.ts";
import { createTestClient, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const result = { jsonrpc: "2.0", id: 1, result: { ok: true } };
const call: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

let downstream: FakeMcpServer;
let proxy: ProxyProcess;
let client: TestClient;
let accessToken: string;

before(async () => {
  downstream = await startFakeMcpServer();
  proxy = await startProxy({
    server: "idle_timeout = 3\nconnect_timeout = 3",
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}?tenant=tenant-secret"

[downstream.down]
display_name = "Down"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:${await freePort()}/mcp"
`,
  });
  client = await createTestClient(proxy.url, "notes");
  accessToken = (await client.signIn()).access_token!;
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream.close();
});

async function callWhile(behaviour: Behaviour): Promise<Response> {
  downstream.behave(behaviour);
  return await client.mcp(accessToken, call);
}

/** The very next call with the same token works. */
async function assertNothingLost(): Promise<void> {
  const answer = await callWhile(json(result));
  assert.deepEqual([answer.status, await answer.json()], [200, result]);
}

const refused: [what: string, behaviour: Behaviour, status: number, says: RegExp][] = [
  ["answers with a web page", html, 502, /web page instead of MCP; its downstream_url has to be corrected/],
  ["redirects", redirect("https://elsewhere.example/?key=secret"), 502, /redirect \(302\), which is not followed/],
  ["dies before it answers", dieBeforeHead, 502, /broke off the connection before it answered/],
  ["says nothing", hang, 504, /nothing moved for 3 s/],
];
for (const [what, behaviour, status, says] of refused) {
  test(`S1-45, S1-52: a downstream that ${what} is ${status} with a JSON error in our words, and the next call works`, async () => {
    const answer = await callWhile(behaviour);
    assert.equal(answer.status, status);
    const { error, error_description } = await answer.json() as Record<string, string>;
    assert.equal(error, "temporarily_unavailable");
    assert.match(error_description!, says);
    assert.doesNotMatch(error_description!, /secret|elsewhere|127\.0\.0\.1/);
    await assertNothingLost();
  });
}

test("S1-45: a downstream that is down is 502; discovery, login and refresh at it go on", async () => {
  const atDown = await createTestClient(proxy.url, "down");
  const tokens = await atDown.signIn();
  const answer = await atDown.mcp(tokens.access_token!, call);
  assert.equal(answer.status, 502);
  assert.match(await answer.text(), /can't be reached; try again later/);
  assert.equal((await atDown.refresh(tokens.refresh_token!)).status, 200);
});

test("a stream that breaks off ends as broken for the client, never as complete, and the next call works", async () => {
  const arrived = Promise.withResolvers<void>();
  const answer = await callWhile(dieMidBody("data: one\n\n", "text/event-stream", arrived.promise));
  assert.equal(answer.status, 200);
  let seen = "";
  await assert.rejects(async () => {
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      seen += chunk;
      if (seen.includes("data: one")) arrived.resolve();
    }
  });
  assert.match(seen, /data: one/);
  await assertNothingLost();
});

test("trap 5: an answer that comes compressed although nobody asked is readable, and so is a compressed error", async () => {
  const answer = await callWhile(gzip(JSON.stringify(result)));
  assert.deepEqual([answer.status, await answer.json()], [200, result]);
});

for (const status of [400, 404, 405, 409, 429, 500, 503]) {
  test(`S1-46: the downstream's ${status} passes with its body and Retry-After`, async () => {
    const error = { jsonrpc: "2.0", id: 1, error: { code: -32600, message: `told ${status}` } };
    const answer = await callWhile(json(error, { status, headers: { "retry-after": "7" } }));
    assert.deepEqual([answer.status, answer.headers.get("retry-after"), await answer.json()], [status, "7", error]);
  });
}

test("S1-46: a downstream that refuses the key is our 401 challenge; the client's other login is untouched", async () => {
  const other = await client.signIn("another-key");
  downstream.behave((request, ...rest) =>
    json(result, { status: request.headers.authorization === "Bearer the-key" ? 401 : 200 })(request, ...rest)
  );
  const refusedAnswer = await client.mcp(accessToken, call);
  assert.equal(refusedAnswer.status, 401);
  assert.match(refusedAnswer.headers.get("www-authenticate")!, /error="invalid_token".*resource_metadata=/);
  assert.equal((await client.mcp(other.access_token!, call)).status, 200);
  await assertNothingLost();
});

test("twenty calls at once, half of them to a dying downstream: each good one gets its own answer", async () => {
  downstream.behave((request, answer, socket) => {
    const { id } = JSON.parse(request.body) as { id: number };
    if (id % 2 === 1) return dieBeforeHead(request, answer, socket);
    return (id % 4 === 0 ? json({ id }) : sse([`data: {"id":${id}}\n\n`], { end: true }))(request, answer, socket);
  });
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, id) => {
    const answer = await client.mcp(accessToken, { ...call, body: JSON.stringify({ id }) });
    return { id, status: answer.status, text: await answer.text() };
  }));
  for (const { id, status, text } of answers) {
    assert.equal(status, id % 2 === 1 ? 502 : 200, `${id}: ${text}`);
    if (id % 2 === 0) assert.match(text, new RegExp(`\\{"id":${id}\\}`));
  }
  assert.doesNotMatch(await proxy.settledOutput(), /tenant-secret/);
});

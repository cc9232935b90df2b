// Refresh, rotation, grace, reuse and revocation, as a client sees them.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { createTestClient, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let downstream: RecordingDownstream;
const proxies: ProxyProcess[] = [];
const call = { method: "POST", body: "{}" };

async function start(tokens: string, options: { port?: number; stateSecret?: string } = {}): Promise<ProxyProcess> {
  const toml = `
[tokens]
${tokens}
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
scopes = "read write"
`;
  const proxy = await startProxy({ toml, ...options });
  proxies.push(proxy);
  return proxy;
}

let client: TestClient;
before(async () => {
  downstream = await recordingDownstream();
  client = await createTestClient((await start("")).url, "notes");
});
after(async () => {
  for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

test("S1-40: a refresh gives a new pair that works", async () => {
  const first = await client.signIn();
  const second = (await client.refresh(first.refresh_token!)).body;
  assert.notEqual(second.access_token, first.access_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await client.mcp(second.access_token!, call)).status, 200);
  assert.equal((await client.refresh(second.refresh_token!)).status, 200);
});

test("a lost answer: the same refresh token within the grace gives the very same pair", async () => {
  const { refresh_token } = await client.signIn();
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.refresh(refresh_token!)));
  answers.push(await client.refresh(refresh_token!));
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer.body))).size, 1);
  assert.equal(answers[0]!.status, 200);
});

test("S1-40: after the grace a used refresh token revokes the whole grant (RFC 9700 §4.14.2)", async () => {
  const strict = await createTestClient((await start("refresh_grace = 0")).url, "notes");
  const first = await strict.signIn();
  const second = (await strict.refresh(first.refresh_token!)).body;
  const reused = await strict.refresh(first.refresh_token!);
  assert.deepEqual([reused.status, reused.body.error], [400, "invalid_grant"]);
  assert.equal((await strict.refresh(second.refresh_token!)).body.error, "invalid_grant");
  assert.equal((await strict.mcp(second.access_token!, call)).status, 401);
});

test("a refresh may narrow the scope, and the next one widens it back to the grant's (RFC 6749 §6)", async () => {
  const first = await client.signIn();
  const narrow = (await client.refresh(first.refresh_token!, { scope: "read" })).body;
  assert.equal(narrow.scope, "read");
  assert.equal((await client.refresh(narrow.refresh_token!)).body.scope, "read write");
});

test("S1-40: a refresh token works only for its own client and resource", async () => {
  const { refresh_token } = await client.signIn();
  const stranger = await createTestClient(new URL(proxies[0]!.url).origin, "notes", { client_name: "Stranger" });
  assert.equal((await stranger.refresh(refresh_token!)).body.error, "invalid_grant");
  assert.equal(
    (await client.refresh(refresh_token!, { resource: "https://other.example" })).body.error,
    "invalid_target",
  );
  assert.equal((await client.refresh(refresh_token!)).status, 200);
});

test("a restart loses nobody: tokens of the process before are good after it", async () => {
  const stateSecret = randomBytes(32).toString("base64");
  const before = await start("", { stateSecret });
  const restarted = await createTestClient(before.url, "notes");
  const tokens = await restarted.signIn();
  assert.equal(await before.stop(), 0);
  await start("", { stateSecret, port: before.port });
  assert.equal((await restarted.mcp(tokens.access_token!, call)).status, 200);
  assert.equal((await restarted.refresh(tokens.refresh_token!)).status, 200);
});

test("RFC 7009 §2.1: revoking the refresh token ends the grant, revoking an access token only that one", async () => {
  const tokens = await client.signIn();
  assert.equal((await client.revoke(tokens.access_token!)).status, 200);
  assert.equal((await client.mcp(tokens.access_token!, call)).status, 401);
  const renewed = (await client.refresh(tokens.refresh_token!)).body;
  assert.equal((await client.mcp(renewed.access_token!, call)).status, 200);
  assert.equal((await client.revoke(renewed.refresh_token!)).status, 200);
  assert.equal((await client.mcp(renewed.access_token!, call)).status, 401);
  assert.equal((await client.refresh(renewed.refresh_token!)).body.error, "invalid_grant");
});

test("RFC 7009 §2.2: revoking what is no token of ours is fine; another client's is refused", async () => {
  assert.equal((await client.revoke("garbage")).status, 200);
  const { refresh_token } = await client.signIn();
  const stranger = await createTestClient(proxies[0]!.url, "notes", { client_name: "Stranger" });
  assert.equal((await stranger.revoke(refresh_token!)).status, 400);
  assert.equal((await client.refresh(refresh_token!)).status, 200);
});

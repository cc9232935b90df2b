// Chained OAuth where something breaks in between: dead credentials, kill -9, missing scopes, very long tokens.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { allow, type ChainedStage, type ChainedStageOptions, signIn, stageChained } from "../support/chained_stage.ts";

const call = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function stageWith(options: ChainedStageOptions, store = "sqlite"): Promise<ChainedStage> {
  const folder = mkdtempSync(join(tmpdir(), "chained-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const url = store === "sqlite" ? `sqlite:${join(folder, "state.db")}` : "memory:";
  const stage = await stageChained({ ...options, toml: `[store]\nurl = "${url}"` });
  cleanups.push(() => stage[Symbol.asyncDispose]());
  return stage;
}

const refreshesAt = ({ provider }: ChainedStage) =>
  provider.tokenRequests.filter(({ form }) => form.grant_type === "refresh_token").length;

test("a refresh whose answer died with the process: kill -9, and the same refresh token gives a pair that works", async () => {
  const stage = await stageWith({});
  const client = await stage.client("files");
  const { answer } = await signIn(client);
  assert.equal((await client.refresh(answer.body.refresh_token!)).status, 200);
  await stage.restart("SIGKILL");
  const again = await client.refresh(answer.body.refresh_token!);
  assert.equal(again.status, 200);
  assert.equal((await client.mcp(again.body.access_token!, call)).status, 200);
  assert.equal(refreshesAt(stage), 1);
  assert.equal(stage.provider.refreshTokensUsedTwice, 0);
});

test("S1-46: a dead credential is refreshed once and the call goes through; after kill -9 the same token still does", async () => {
  const stage = await stageWith({});
  const client = await stage.client("files");
  const { answer } = await signIn(client);
  stage.provider.live.clear();
  const calls = await Promise.all([1, 2, 3, 4].map(() => client.mcp(answer.body.access_token!, call)));
  assert.deepEqual(calls.map(({ status }) => status), [200, 200, 200, 200]);
  await stage.restart("SIGKILL");
  assert.equal((await client.mcp(answer.body.access_token!, call)).status, 200);
  assert.equal(refreshesAt(stage), 1);
  assert.equal((await client.refresh(answer.body.refresh_token!)).status, 200);
  assert.equal(stage.provider.refreshTokensUsedTwice, 0);
});

test("S1-46: with the memory store a dead credential is a challenge, and the client's refresh mends it", async () => {
  const stage = await stageWith({}, "memory");
  const client = await stage.client("files");
  const { answer } = await signIn(client);
  stage.provider.live.clear();
  const challenged = await client.mcp(answer.body.access_token!, call);
  assert.equal(challenged.status, 401);
  assert.match(challenged.headers.get("www-authenticate")!, /resource_metadata="[^"]*\/mcp\/files"/);
  assert.doesNotMatch(challenged.headers.get("www-authenticate")!, new RegExp(new URL(stage.files.url).host));
  const refreshed = await client.refresh(answer.body.refresh_token!);
  assert.equal((await client.mcp(refreshed.body.access_token!, call)).status, 200);
});

test("step-up: a downstream's missing scope is our challenge, and the next sign-in asks the provider for the union", async () => {
  const needed: { scope?: string } = {};
  const stage = await stageWith({ mcp: { challengedScope: "files:read", requiredScope: () => needed.scope } });
  const client = await stage.client("files");
  const { answer } = await signIn(client);
  assert.equal(answer.body.scope, "files:read");
  needed.scope = "files:write";
  const challenged = await client.mcp(answer.body.access_token!, call);
  assert.equal(challenged.status, 403);
  assert.match(challenged.headers.get("www-authenticate")!, /error="insufficient_scope".*scope="files:write"/);
  const stepped = await signIn(client, { scope: "files:read files:write" });
  assert.equal(stage.provider.authorizations.at(-1)!.get("scope"), "files:read files:write");
  assert.equal(stepped.answer.body.scope, "files:read files:write");
  assert.equal((await client.mcp(stepped.answer.body.access_token!, call)).status, 200);
});

test("provider tokens of 4 KB: code, cookies and token stay within 8 KB, and the token reaches the downstream whole", async () => {
  const stage = await stageWith({ provider: { tokenLength: 4096 } });
  const client = await stage.client("files");
  const { code, answer } = await signIn(client);
  assert.ok(code.length < 7_500, `code of ${code.length}`);
  const accessToken = answer.body.access_token!;
  assert.ok(accessToken.length < 7_500, `access token of ${accessToken.length}`);
  assert.equal((await client.mcp(accessToken, call)).status, 200);
  assert.equal(stage.files.tokens.at(-1)!.length, 4096);
});

test("parallel tabs: two sign-ins of one browser at the same time both end well", async () => {
  const stage = await stageWith({}, "memory");
  const client = await stage.client("files");
  const [first, second] = [await allow(client), await allow(client)];
  for (const providerUrl of [second, first]) {
    const { location } = await client.browser.get(providerUrl);
    const back = await client.browser.get(location!);
    const code = new URL(back.location!).searchParams.get("code")!;
    assert.equal((await client.redeem(code)).status, 200);
  }
  const cookies = [...client.browser.cookies].map((cookie) => cookie.join("=")).join("; ");
  assert.ok(cookies.length < 4_096, `cookies of ${cookies.length}`);
});

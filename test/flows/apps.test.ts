// /apps: what was connected from a browser, and ending it. Issue 6, page 4.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createBrowser, type Page } from "../support/browser.ts";
import { type ChainedStage, stageChained } from "../support/chained_stage.ts";
import { createTestClient, redirectUri } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let downstream: RecordingDownstream;
let proxy: ProxyProcess;

before(async () => {
  downstream = await recordingDownstream();
  proxy = await startProxy({
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

/** The newest entry comes first. */
function firstAction({ html }: Page): { action: string } {
  return { action: /<button class="small" name="action" value="([^"]*)"/.exec(html)![1]! };
}

/** Text without tags, white space as one space. */
const textOf = ({ html }: Page) => html.replace(/<style>.*<\/style>/s, "").replace(/<[^>]+>/g, "").replace(/\s+/g, " ");

test("a browser sees what was connected in it, since when and last used; another one sees nothing", async () => {
  const client = await createTestClient(proxy.url, "notes", { client_name: "Reader <b>" });
  const code = await client.code("the-key");
  const fresh = textOf(await client.browser.get(`${proxy.url}/apps`));
  assert.match(fresh, /Reader &lt;b&gt; uses Notes/);
  assert.match(fresh, /Since \d{4}-\d\d-\d\d \d\d:\d\d UTC\. Not used yet\./);
  await client.redeem(code);
  assert.match(textOf(await client.browser.get(`${proxy.url}/apps`)), /Not used yet/, "a token alone is no use");
  const { access_token } = await client.signIn();
  assert.equal((await client.mcp(access_token!)).status, 200);
  assert.match(textOf(await client.browser.get(`${proxy.url}/apps`)), /Last used \d{4}-\d\d-\d\d/);
  const other = await createBrowser().get(`${proxy.url}/apps`);
  assert.match(textOf(other), /Nothing is connected/);
  assert.match(other.headers.get("cache-control")!, /no-store/);
});

test("the page says that a memory store forgets the list", async () => {
  assert.match(textOf(await createBrowser().get(`${proxy.url}/apps`)), /forgets these lists when it restarts/);
});

test("ending an access ends its tokens, and only those", async () => {
  const client = await createTestClient(proxy.url, "notes", { client_name: "Writer" });
  const kept = await client.signIn();
  const ended = await client.signIn();
  const page = await client.browser.get(`${proxy.url}/apps`);
  assert.equal([...page.html.matchAll(/<form/g)].length, 2);
  const sent = await client.browser.submit(page, firstAction(page));
  assert.equal(sent.status, 303);
  assert.equal([...(await client.browser.get(sent.location!)).html.matchAll(/<form/g)].length, 1);
  assert.equal((await client.mcp(ended.access_token!)).status, 401);
  assert.equal((await client.refresh(ended.refresh_token!)).body.error, "invalid_grant");
  assert.equal((await client.mcp(kept.access_token!)).status, 200);
});

test("an access that was ended before its code was redeemed never begins", async () => {
  const client = await createTestClient(proxy.url, "notes", { client_name: "Waiting" });
  const code = await client.code("the-key");
  const page = await client.browser.get(`${proxy.url}/apps`);
  assert.equal((await client.browser.submit(page, firstAction(page))).status, 303);
  const { status, body } = await client.redeem(code);
  assert.deepEqual([status, body.error], [400, "invalid_grant"]);
});

test("a form from another site, from another browser or made up ends nothing", async () => {
  const client = await createTestClient(proxy.url, "notes", { client_name: "Keeper" });
  const { access_token } = await client.signIn();
  const page = await client.browser.get(`${proxy.url}/apps`);
  const action = firstAction(page);
  assert.equal((await client.browser.submit(page, action, { "sec-fetch-site": "cross-site" })).status, 400);
  const other = await createTestClient(proxy.url, "notes");
  await other.authorize();
  assert.equal((await other.browser.submit(page, action)).status, 400);
  assert.equal((await client.browser.submit(page, { action: "made-up" })).status, 400);
  assert.equal((await client.mcp(access_token!)).status, 200);
});

test("a form from another site does not take the browser's list away", async () => {
  const client = await createTestClient(proxy.url, "notes", { client_name: "Lasting" });
  await client.signIn();
  // What browsers leave out of a POST that another site makes: all cookies of ours, for they are SameSite=Lax.
  const answer = await fetch(`${proxy.url}/apps`, {
    method: "POST",
    body: new URLSearchParams({ action: "x" }),
    headers: { "sec-fetch-site": "cross-site" },
  });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.headers.getSetCookie(), []);
});

test("where the store is durable the list outlives a restart, and ending an access reaches the provider", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-apps-"));
  const stage: ChainedStage = await stageChained({ toml: `[store]\nurl = "sqlite:${join(folder, "state.db")}"` });
  try {
    const client = await stage.client("hub");
    const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
    const back = await client.browser.follow(sent, redirectUri);
    const { body } = await client.redeem(new URL(back.location!).searchParams.get("code")!);
    await stage.restart();
    const page = await client.browser.get(`${stage.proxy.url}/apps`);
    assert.doesNotMatch(page.html, /forgets these lists/);
    assert.match(textOf(page), /uses Hub/);
    const before = stage.hubProvider.revocations.length;
    assert.equal((await client.browser.submit(page, firstAction(page))).status, 303);
    assert.equal(stage.hubProvider.revocations.length, before + 1);
    assert.equal((await client.refresh(body.refresh_token!)).body.error, "invalid_grant");
  } finally {
    await stage[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("an access that was ended before its code was redeemed ends at the provider as well", async () => {
  await using stage = await stageChained({});
  const client = await stage.client("hub");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const back = await client.browser.follow(sent, redirectUri);
  const page = await client.browser.get(`${stage.proxy.url}/apps`);
  assert.equal((await client.browser.submit(page, firstAction(page))).status, 303);
  const { body } = await client.redeem(new URL(back.location!).searchParams.get("code")!);
  assert.equal(body.error, "invalid_grant");
  assert.equal(stage.hubProvider.revocations.length, 1);
});

test("with a memory store ending an access reaches the provider too, with the token it gave last", async () => {
  await using stage = await stageChained({});
  const client = await stage.client("hub");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const back = await client.browser.follow(sent, redirectUri);
  const { body } = await client.redeem(new URL(back.location!).searchParams.get("code")!);
  const refreshed = await client.refresh(body.refresh_token!);
  const page = await client.browser.get(`${stage.proxy.url}/apps`);
  assert.equal((await client.browser.submit(page, firstAction(page))).status, 303);
  assert.equal(stage.hubProvider.revocations.length, 1);
  assert.equal((await client.refresh(refreshed.body.refresh_token!)).body.error, "invalid_grant");
});

// When the consent page is shown, and when it may be skipped.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { createTestClient, redirectUri, testClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const webRedirect = "https://agent.example.com/callback";
let openId: FakeOpenId;
let provider: ReturnType<typeof listen>;
let proxy: ProxyProcess;

before(async () => {
  openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "user-1", preferred_username: "ada" };
  provider = listen(openId);
  openId.moveTo(provider.url);
  const preRegistered = (name: string, trusted: boolean) => `
[client.${name}]
name = "Agent ${name}"
redirect_uris = ["${webRedirect}"]
trusted = ${trusted}
`;
  proxy = await startProxy({
    toml: `
[clients]
redirects = ["loopback", "https"]
${preRegistered("known", false)}
${preRegistered("trusted", true)}
[provider.company]
kind = "oidc"
issuer = "${provider.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "company"
allow_everyone = true

[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const isProvider = (location: string | undefined) => location?.startsWith(provider.url) ?? false;

test("S2-30, D9: only a pre-registered client with trusted = true skips the page, and never where a key is asked for", async () => {
  const trusted = testClient(proxy.url, "wiki", "trusted");
  assert.ok(isProvider((await trusted.authorize({ redirect_uri: webRedirect })).location));
  const known = testClient(proxy.url, "wiki", "known");
  assert.match((await known.authorize({ redirect_uri: webRedirect })).html, /Agent known/);
  const withKey = testClient(proxy.url, "notes", "trusted");
  assert.match((await withKey.authorize({ redirect_uri: webRedirect })).html, /type="password"/);
});

test("S2-26, S1-23: a yes is remembered for the same client, redirect, resource and scope in the same browser", async () => {
  const client = testClient(proxy.url, "wiki", "known");
  const page = await client.authorize({ redirect_uri: webRedirect });
  assert.equal(page.status, 200);
  await client.browser.submit(page, { decision: "allow" });
  assert.ok(isProvider((await client.authorize({ redirect_uri: webRedirect })).location));
  const stranger = await createTestClient(proxy.url, "wiki", { redirect_uris: [webRedirect], client_name: "Stranger" });
  const asked = await client.browser.get((await stranger.authorize({ redirect_uri: webRedirect })).url);
  assert.equal(asked.status, 200);
  assert.match(asked.html, /Stranger/);
});

test("RFC 8252 §8.6: a program on the user's own computer is asked each time", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  await client.browser.submit(await client.authorize(), { decision: "allow" });
  const again = await client.authorize();
  assert.deepEqual([again.status, again.location], [200, undefined]);
  assert.ok(again.html.includes(new URL(redirectUri).host));
});

test("RFC 8252 §8.6: the warning comes where the answer goes to this computer, whatever else the client registered", async () => {
  const client = await createTestClient(proxy.url, "wiki", { redirect_uris: [webRedirect, redirectUri] });
  const warning = /any program here may call itself/;
  assert.match((await client.authorize()).html, warning);
  assert.doesNotMatch((await client.authorize({ redirect_uri: webRedirect })).html, warning);
});

test("S2-27: no parameter of the URL skips the page or chooses in the user's place", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  for (const name of ["skip_scope_selection", "decision", "prompt", "consent", "trusted"]) {
    const page = await client.authorize({ [name]: name === "decision" ? "allow" : "true" });
    assert.deepEqual([page.status, page.location], [200, undefined], name);
  }
});

test("a refused sign-in is not remembered as a yes", async () => {
  const client = testClient(proxy.url, "wiki", "known");
  await client.browser.submit(await client.authorize({ redirect_uri: webRedirect }), { decision: "deny" });
  assert.equal((await client.authorize({ redirect_uri: webRedirect })).status, 200);
});

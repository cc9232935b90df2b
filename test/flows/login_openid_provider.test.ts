// Sign-in at a certified OpenID provider (oidc-provider), with its own pages, rotation and checks.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from "jose";
import { freePort } from "../support/free_port.ts";
import { createTestClient, redirectUri } from "../support/oauth_test_client.ts";
import { type OpenIdProviderProcess, signInAtProvider, startOpenIdProvider } from "../support/openid_provider.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const ada = { preferred_username: "ada", email: "ada@example.com", email_verified: true, groups: ["eng", "staff"] };
const bob = { preferred_username: "bob", email: "bob@example.com", email_verified: false, groups: ["eng"] };

let provider: OpenIdProviderProcess;
let proxy: ProxyProcess;

before(async () => {
  const port = await freePort();
  const callback = `http://127.0.0.1:${port}/callback/mcp/wiki`;
  provider = await startOpenIdProvider({ redirectUris: [callback], accounts: { ada, bob } });
  proxy = await startProxy({
    port,
    logLevel: "debug",
    toml: `
[provider.company]
kind = "oidc"
issuer = "${provider.issuer}"
client_id = "${provider.clientId}"
client_secret = "${provider.clientSecret}"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
allowed_email_domains = ["example.com"]
allowed_groups = ["eng"]
`,
  });
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
});

async function signIn(login: string) {
  const client = await createTestClient(proxy.url, "wiki");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const back = await signInAtProvider(client.browser, sent, { login, stopAt: redirectUri });
  assert.ok(back.location?.startsWith(redirectUri), `${back.status} ${back.url} ${back.html}`);
  return { client, answer: new URL(back.location!).searchParams };
}

test("S2-60: from the consent page through the provider's own pages to our JWT, which our JWKS verifies", async () => {
  const { client, answer } = await signIn("ada");
  assert.equal(answer.get("error_description"), null);
  const { status, body } = await client.redeem(answer.get("code")!);
  assert.equal(status, 200);
  const jwks = await (await fetch(`${proxy.url}/.well-known/jwks.json`)).json() as JSONWebKeySet;
  const { payload } = await jwtVerify(body.access_token!, createLocalJWKSet(jwks), {
    issuer: `${proxy.url}/mcp/wiki`,
    audience: `${proxy.url}/mcp/wiki`,
    typ: "at+jwt",
  });
  assert.deepEqual([payload.sub, payload.name, payload.email, payload.groups], [
    "ada",
    "ada",
    "ada@example.com",
    ["eng", "staff"],
  ]);
});

test("S2-55, S2-36: an address that the provider did not verify lets nobody in", async () => {
  const { answer } = await signIn("bob");
  assert.equal(answer.get("error"), "access_denied");
  assert.equal(answer.get("code"), null);
});

test("S2-36: whoever cancels at the provider comes back to the client as access_denied", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const page = await client.browser.follow(sent, redirectUri);
  const abort = /href="([^"]*\/abort)"/.exec(page.html)![1]!;
  const back = await client.browser.follow(await client.browser.get(new URL(abort, page.url).href), redirectUri);
  assert.equal(new URL(back.location!).searchParams.get("error"), "access_denied");
});

test("S2-44: refreshes go on through the provider's rotation, with today's groups, until the user leaves", async () => {
  await provider.setAccounts({ ada, bob });
  const { client, answer } = await signIn("ada");
  let { body } = await client.redeem(answer.get("code")!);
  for (const groups of [["eng", "staff"], ["eng"]]) {
    await provider.setAccounts({ ada: { ...ada, groups }, bob });
    const refreshed = await client.refresh(body.refresh_token!);
    assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body));
    body = refreshed.body;
    assert.deepEqual(decodeJwt(body.access_token!).groups, groups);
  }
  await provider.setAccounts({ bob });
  const refused = await client.refresh(body.refresh_token!);
  assert.deepEqual([refused.status, refused.body.error], [400, "invalid_grant"]);
  assert.ok(!(await proxy.settledOutput()).includes(provider.clientSecret));
});

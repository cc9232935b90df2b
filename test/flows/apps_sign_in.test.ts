// /apps for somebody who signs in: what their account let in, from every browser, and nobody else's. Issue 6, page 4.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, createBrowser, type Page } from "../support/browser.ts";
import { createFakeGithub, type FakeGithub } from "../support/fake_github.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { sendTo } from "../support/host_request.ts";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const now = () => Math.floor(Date.now() / 1000);
const ada = { sub: "user-1", preferred_username: "ada", email: "ada@example.com", email_verified: true };
const eve = { sub: "user-2", preferred_username: "eve", email: "eve@example.com", email_verified: true };

let openId: FakeOpenId;
let github: FakeGithub;
let openIdServer: ReturnType<typeof listen>;
let githubServer: ReturnType<typeof listen>;
let proxy: ProxyProcess;

before(async () => {
  openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now });
  github = createFakeGithub({ now });
  openIdServer = listen(openId);
  githubServer = listen(github);
  openId.moveTo(openIdServer.url);
  proxy = await startProxy({
    toml: `
[provider.company]
kind = "oidc"
issuer = "${openIdServer.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"

[provider.github]
client_id = "${github.clientId}"
client_secret = "${github.clientSecret}"
api_url = "${githubServer.url}/api/v3"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "company"
allow_everyone = true

[downstream.tickets]
display_name = "Tickets"
strategy = "login"
provider = ["company", "github"]
subject = "username"
allow_everyone = true

[downstream.elsewhere]
display_name = "Elsewhere"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
host = "elsewhere.example.com"
`,
  });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await openIdServer[Symbol.asyncDispose]();
  await githubServer[Symbol.asyncDispose]();
});

const textOf = ({ html }: Page) => html.replace(/<style>.*<\/style>/s, "").replace(/<[^>]+>/g, "").replace(/\s+/g, " ");

/** What the first button with this text sends. */
function actionOf({ html }: Page, text: RegExp): { action: string } {
  const buttons = [...html.matchAll(/name="action" value="([^"]*)"[^>]*>([^<]*)</g)];
  const found = buttons.find(([, , label]) => text.test(label!));
  assert.ok(found, `no button ${text}`);
  return { action: found[1]! };
}

const openApps = (browser: Browser) => browser.get(`${proxy.url}/apps`);

/** From the button to the provider's answer, which is not yet delivered. */
async function answered(browser: Browser, label = /Sign in with company/): Promise<Page> {
  const page = await openApps(browser);
  const sent = await browser.submit(page, actionOf(page, label));
  assert.equal(sent.status, 303);
  return await browser.follow(sent, `${proxy.url}/callback/apps`);
}

async function signedIn(browser = createBrowser(), label?: RegExp): Promise<{ browser: Browser; page: Page }> {
  const back = await answered(browser, label);
  const page = await browser.follow(back, "about:");
  assert.equal(page.url, `${proxy.url}/apps`);
  return { browser, page };
}

/** Somebody lets a client in, in a browser of its own. */
async function connect(name: string, client_name: string, fields = {}): Promise<TestClient & { refreshToken: string }> {
  const client = await createTestClient(proxy.url, name, { client_name });
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow", ...fields });
  const back = await client.browser.follow(sent, redirectUri);
  const { body } = await client.redeem(new URL(back.location!).searchParams.get("code")!);
  return { ...client, refreshToken: body.refresh_token! };
}

test("signing in shows what the account let in, from other browsers, for every downstream; ending it there ends it", async () => {
  openId.user = ada;
  const laptop = await connect("wiki", "Laptop");
  const phone = await connect("tickets", "Phone", { provider: "company" });
  const { browser, page } = await signedIn();
  assert.match(textOf(page), /Signed in at company as ada@example\.com/);
  assert.match(textOf(page), /Phone uses Tickets.*Laptop uses Wiki/, "the newest first");
  const sent = await browser.submit(page, actionOf(page, /End this access/));
  assert.equal(sent.location, `${proxy.url}/apps`);
  const rest = textOf(await openApps(browser));
  assert.match(rest, /Laptop uses Wiki/);
  assert.doesNotMatch(rest, /Phone/);
  assert.equal((await phone.refresh(phone.refreshToken)).body.error, "invalid_grant");
  assert.equal((await laptop.refresh(laptop.refreshToken)).status, 200);
});

test("nobody else sees it: not without signing in, not in the same browser, not with another account or provider", async () => {
  openId.user = ada;
  const { browser } = await connect("wiki", "Private");
  const unsigned = textOf(await openApps(browser));
  assert.match(unsigned, /Sign in with company.*Sign in with GitHub/);
  assert.doesNotMatch(unsigned, /Private/);
  openId.user = eve;
  const eves = await signedIn();
  assert.match(textOf(eves.page), /as eve@example\.com.*Nothing is connected/);
  github.user = { ...github.user, id: 1, login: "user-1" };
  assert.doesNotMatch(textOf((await signedIn(createBrowser(), /GitHub/)).page), /Private/);
});

test("only who it is is asked for: nothing lasting, with PKCE and nonce, and GitHub's token is given back", async () => {
  openId.user = ada;
  const browser = createBrowser();
  const page = await openApps(browser);
  const asked = new URL((await browser.submit(page, actionOf(page, /company/))).location!).searchParams;
  assert.doesNotMatch(asked.get("scope")!, /offline_access/);
  assert.equal(asked.get("redirect_uri"), `${proxy.url}/callback/apps/company`);
  assert.equal(asked.get("code_challenge_method"), "S256");
  assert.match(asked.get("nonce")!, /.{20}/);
  const before = github.liveTokens();
  await signedIn(browser, /GitHub/);
  assert.equal(github.liveTokens(), before);
});

test("a sign-in for /apps is no use at a client's callback, nor a client's at that of /apps; neither twice or elsewhere", async () => {
  openId.user = ada;
  const browser = createBrowser();
  const ours = new URL((await answered(browser)).location!);
  const atClient = await browser.get(`${proxy.url}/callback/mcp/wiki${ours.search}`);
  assert.equal(atClient.status, 400);
  const other = createBrowser();
  await openApps(other);
  assert.equal((await other.get(ours.href)).status, 400);
  const atGithub = ours.href.replace("/apps/company", "/apps/github"); // RFC 9700 §4.4
  assert.equal((await browser.get(atGithub)).status, 400);
  const kept = new Map(browser.cookies);
  assert.equal((await browser.get(ours.href)).status, 303);
  for (const [name, value] of kept) browser.cookies.set(name, value);
  const again = await browser.get(ours.href);
  assert.equal(again.status, 400);
  assert.match(textOf(again), /Nothing was changed/);

  const client = await createTestClient(proxy.url, "wiki");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const theirs = new URL((await client.browser.follow(sent, `${proxy.url}/callback`)).location!);
  assert.equal((await client.browser.get(`${proxy.url}/callback/apps/company${theirs.search}`)).status, 400);
  for (const [name, value] of client.browser.cookies) {
    if (name.includes("mcp-flow-")) client.browser.cookies.set(name.replace("mcp-flow-", "mcp-apps-"), value);
  }
  assert.equal(
    (await client.browser.get(`${proxy.url}/callback/apps/company${theirs.search}`)).status,
    400,
    "renamed cookie",
  );
});

test("a no of the provider, an answer of another issuer and one without the ID token sign nobody in", async () => {
  openId.user = ada;
  const browser = createBrowser();
  const back = new URL((await answered(browser)).location!);
  const refused = await browser.get(
    `${back.origin}${back.pathname}?error=access_denied&state=${back.searchParams.get("state")}`,
  );
  assert.equal(refused.status, 403);
  assert.match(textOf(refused), /You were not signed in/);
  const mixed = new URL((await answered(browser)).location!);
  mixed.searchParams.set("iss", "https://evil.example");
  assert.equal((await browser.get(mixed.href)).status, 500);
  openId.forge = true;
  const forged = new URL((await answered(browser)).location!);
  assert.equal((await browser.get(forged.href)).status, 500);
  openId.forge = false;
  assert.match(textOf(await openApps(browser)), /Sign in with company/);
});

test("signed out is signed out: a kept copy of the cookie, an old button and another browser are refused", async () => {
  openId.user = ada;
  const client = await connect("wiki", "Stays");
  const { browser, page } = await signedIn();
  const kept = new Map(browser.cookies);
  const thief = createBrowser();
  await openApps(thief);
  thief.cookies.set("mcp-account", kept.get("mcp-account")!);
  assert.match(textOf(await openApps(thief)), /Sign in with company/);
  assert.equal((await browser.submit(page, actionOf(page, /Sign out/))).status, 303);
  assert.ok(!browser.cookies.has("mcp-account"));
  browser.cookies.set("mcp-account", kept.get("mcp-account")!);
  assert.match(textOf(await openApps(browser)), /Sign in with company/);
  const late = await browser.submit(page, actionOf(page, /End this access/));
  assert.equal(late.status, 400);
  assert.match(textOf(late), /not signed in any more, so nothing was ended/);
  assert.equal((await client.refresh(client.refreshToken)).status, 200);
});

test("buttons work from the page itself only, which is not framed and not kept; the cookie is out of reach of scripts", async () => {
  openId.user = ada;
  const { browser, page } = await signedIn();
  for (const button of [/Sign out/, /End this access/]) {
    const sent = await browser.submit(page, actionOf(page, button), { "sec-fetch-site": "same-site" });
    assert.equal(sent.status, 400);
    assert.match(textOf(sent), /another site/);
  }
  assert.match(page.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
  assert.match(page.headers.get("cache-control")!, /no-store/);
  const fresh = createBrowser();
  const back = await answered(fresh);
  const set = (await fresh.get(back.location!)).headers.getSetCookie().find((line) => line.startsWith("mcp-account="))!;
  assert.match(set, /; Path=\/; Max-Age=1800; HttpOnly; SameSite=Lax$/);
});

test("a server on a host of its own says where one can sign in", async () => {
  const { text } = await sendTo(Number(new URL(proxy.url).port), "/apps", { host: "elsewhere.example.com" });
  assert.match(text, new RegExp(`<a href="${proxy.url}/apps">`));
  assert.doesNotMatch(text, /Sign in with/);
});

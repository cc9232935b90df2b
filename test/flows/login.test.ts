// Signing in at a provider, as a client and a browser see it: from the consent page to our JWT, and what happens at a refresh.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeJwt } from "jose";
import { eventually } from "../support/eventually.ts";
import { createFakeGithub, type FakeGithub } from "../support/fake_github.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { json, listen } from "../support/fake_server.ts";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const now = () => Math.floor(Date.now() / 1000);
const ada = {
  sub: "user-1",
  preferred_username: "ada",
  email: "ada@example.com",
  email_verified: true,
  groups: ["eng"],
};

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
    logLevel: "debug",
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
allowed_email_domains = ["example.com"]
allowed_groups = ["eng"]

[downstream.both]
display_name = "Both"
strategy = "login"
provider = ["company", "github"]
allowed_users = ["github|octocat", "ada@example.com"]
`,
  });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await openIdServer[Symbol.asyncDispose]();
  await githubServer[Symbol.asyncDispose]();
});

/** From the consent page to whatever the client is told. */
async function answerOf(client: TestClient, fields: Record<string, string> = {}): Promise<URLSearchParams> {
  const page = await client.authorize();
  const sent = await client.browser.submit(page, { decision: "allow", ...fields });
  const back = await client.browser.follow(sent, redirectUri);
  return new URL(back.location ?? `about:blank?status=${back.status}`).searchParams;
}

async function signIn(name: string, fields: Record<string, string> = {}) {
  const client = await createTestClient(proxy.url, name);
  const answer = await answerOf(client, fields);
  const { body } = await client.redeem(answer.get("code") ?? `none: ${answer}`);
  return { client, body, claims: decodeJwt<Record<string, unknown>>(body.access_token!) };
}

test("S2-60: whoever is on the list gets our own JWT with the provider's stable id and today's facts", async () => {
  openId.user = { ...ada };
  const { claims } = await signIn("wiki");
  assert.equal(claims.iss, `${proxy.url}/mcp/wiki`);
  assert.equal(claims.sub, "user-1");
  assert.equal(claims.name, "ada");
  assert.equal(claims.email, "ada@example.com");
  assert.deepEqual(claims.groups, ["eng"]);
  assert.ok([claims.aud].flat().includes(`${proxy.url}/mcp/wiki`));
});

test("S2-36: whoever is on no list goes back to the client as access_denied with state and iss; the reason is in the log only", async () => {
  openId.user = { ...ada, email: "ada@evil.example" };
  const answer = await answerOf(await createTestClient(proxy.url, "wiki"));
  assert.deepEqual([answer.get("error"), answer.get("state"), answer.get("iss")], [
    "access_denied",
    "the state",
    `${proxy.url}/mcp/wiki`,
  ]);
  assert.doesNotMatch(answer.get("error_description")!, /domain|evil/);
  await eventually(async () => assert.match(proxy.output(), /in none of allowed_email_domains/));
});

test("S2-36: the provider's own words reach nobody: not in the redirect, not in the log", async () => {
  openId.user = { ...ada };
  const client = await createTestClient(proxy.url, "wiki");
  openId.down = {
    path: "/token",
    answer: json({ error: "server_error", error_description: "secret-text" }, { status: 500 }),
  };
  const answer = await answerOf(client);
  openId.down = undefined;
  assert.equal(answer.get("error"), "temporarily_unavailable");
  assert.doesNotMatch(answer.toString(), /secret-text/);
  openId.forge = true;
  assert.equal((await answerOf(client)).get("error"), "server_error");
  openId.forge = false;
  assert.doesNotMatch(await proxy.settledOutput(), /secret-text/);
});

test("S2-44: whoever left the group is refused at the next refresh, and the grant is over", async () => {
  openId.user = { ...ada };
  const { client, body } = await signIn("wiki");
  const second = await client.refresh(body.refresh_token!);
  assert.equal(second.status, 200);
  openId.user = { ...ada, groups: ["ops"] };
  const refused = await client.refresh(second.body.refresh_token!);
  assert.deepEqual([refused.status, refused.body.error], [400, "invalid_grant"]);
  assert.doesNotMatch(refused.body.error_description!, /group/);
  openId.user = { ...ada };
  assert.equal(
    (await client.refresh(second.body.refresh_token!)).body.error,
    "invalid_grant",
    "signing in again is needed",
  );
});

test("S2-44: a provider that is down is a 503 with Retry-After, and the same refresh token works when it is back", async () => {
  openId.user = { ...ada };
  const { client, body } = await signIn("wiki");
  openId.claims = ({ email: _, ...claims }) => claims; // so that UserInfo is asked, after the refresh token was spent
  openId.down = { path: "/userinfo", answer: new Response("", { status: 503, headers: { "retry-after": "7" } }) };
  const down = await client.refresh(body.refresh_token!);
  assert.deepEqual([down.status, down.body.error, down.headers.get("retry-after")], [
    503,
    "temporarily_unavailable",
    "7",
  ]);
  openId.down = undefined;
  const back = await client.refresh(body.refresh_token!);
  openId.claims = (claims) => claims;
  assert.equal(back.status, 200);
  assert.equal(decodeJwt(back.body.access_token!).email, "ada@example.com");
});

test("several providers: the page offers them, works without JavaScript, and the subject names the one", async () => {
  openId.user = { ...ada };
  const client = await createTestClient(proxy.url, "both");
  const page = await client.authorize();
  assert.match(page.html, /<input type="radio" name="provider" value="company"[^>]*>\s*company/);
  assert.match(page.html, /<input type="radio" name="provider" value="github"[^>]*>\s*GitHub/);
  const again = await client.browser.submit(page, { decision: "allow" });
  assert.equal(again.status, 400);
  assert.match(again.html, /Choose how you want to sign in/);
  const sent = await client.browser.submit(again, { decision: "allow", provider: "github" });
  const back = await client.browser.follow(sent, redirectUri);
  const code = new URL(back.location!).searchParams.get("code")!;
  const { sub, name } = decodeJwt<Record<string, unknown>>((await client.redeem(code)).body.access_token!);
  assert.deepEqual([sub, name], ["github|583231", "octocat"]);
  assert.equal((await signIn("both", { provider: "company" })).claims.sub, "company|user-1");
});

test("RFC 9700 §4.4: each of several providers has its own redirect URI, and a code that arrives at another's goes nowhere (mix-up)", async () => {
  openId.user = { ...ada };
  const client = await createTestClient(proxy.url, "both");
  const begin = async (provider: string) => {
    const sent = await client.browser.submit(await client.authorize(), { decision: "allow", provider });
    return new URL(sent.location!);
  };
  // Whoever runs the chosen provider sends the browser on to GitHub, with the proxy's own state and an honest redirect URI.
  const chosen = await begin("company");
  assert.equal(chosen.searchParams.get("redirect_uri"), `${proxy.url}/callback/mcp/both/company`);
  const honest = await begin("github");
  assert.equal(honest.searchParams.get("redirect_uri"), `${proxy.url}/callback/mcp/both/github`);
  honest.searchParams.set("state", chosen.searchParams.get("state")!);
  const stolen = (await client.browser.get(honest.href)).location!;
  assert.match(stolen, /\/callback\/mcp\/both\/github\?code=/);
  const posts = () => [...openId.requests, ...github.requests].filter((line) => line.startsWith("POST")).length;
  const before = posts();
  const answer = await client.browser.get(stolen);
  assert.deepEqual([answer.status, answer.location], [400, undefined]);
  for (const path of ["/callback/mcp/both", "/callback/mcp/both/nobody", "/callback/mcp/both/company"]) {
    const { searchParams } = await begin("github");
    const query = new URLSearchParams({ code: "stolen", state: searchParams.get("state")! });
    assert.equal((await client.browser.get(`${proxy.url}${path}?${query}`)).status, 400, path);
  }
  assert.equal(posts(), before, "a code went to a token endpoint");
});

test("RFC 9207: an answer that says it is another provider's is the client's server_error", async () => {
  const client = await createTestClient(proxy.url, "both");
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow", provider: "github" });
  const state = new URL(sent.location!).searchParams.get("state")!;
  const query = new URLSearchParams({ code: "stolen", state, iss: openId.issuer });
  const back = await client.browser.get(`${proxy.url}/callback/mcp/both/github?${query}`);
  assert.equal(new URL(back.location!).searchParams.get("error"), "server_error");
});

test("no token, code or secret of the provider is in the log", async () => {
  assert.doesNotMatch(
    await proxy.settledOutput(),
    /access-[0-9a-f]{8}-|refresh-[0-9a-f]{8}-|code-[0-9a-f]{8}-|gho_|s3cret/,
  );
});

// Choosing scopes on the consent page, and what the choice means for the MCP server behind it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "../support/browser.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let openId: FakeOpenId;
let provider: ReturnType<typeof listen>;
let downstream: RecordingDownstream;
let proxy: ProxyProcess;

before(async () => {
  openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "user-1", preferred_username: "ada" };
  provider = listen(openId);
  openId.moveTo(provider.url);
  downstream = await recordingDownstream();
  const scope = (name: string, description: string, tools: string[]) => `
[[downstream.wiki.tool_scopes]]
name = "${name}"
description = '${description}'
tools = ${JSON.stringify(tools)}
`;
  proxy = await startProxy({
    toml: `
[provider.company]
kind = "oidc"
issuer = "${provider.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "company"
downstream_url = "${downstream.url}"
allow_everyone = true
identity_headers = true
${scope("wiki:read", "Read pages", ["search", "get_page"])}
${scope("wiki:write", "Read and write pages", ["search", "get_page", "edit_page"])}
${scope("wiki:admin", "</code><script>alert(1)</script><img src=x onerror=alert(1)>", ["delete_wiki"])}
`,
  });
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

/** Names of the boxes, each with whether it is checked. */
function boxes(page: Page): Record<string, boolean> {
  const inputs = [...page.html.matchAll(/<input[^>]*type="checkbox"[^>]*>/g)].map(([tag]) => tag);
  return Object.fromEntries(inputs.map((tag) => [/name="scope:([^"]+)"/.exec(tag)![1]!, /\schecked/.test(tag)]));
}

const check = (...names: string[]) => Object.fromEntries(names.map((name) => [`scope:${name}`, "on"]));

/** What the client is told after these boxes were sent. */
async function answerTo(client: TestClient, fields: Record<string, string>): Promise<URLSearchParams> {
  const sent = await client.browser.submit(await client.authorize(), { decision: "allow", ...fields });
  return new URL((await client.browser.follow(sent, redirectUri)).location!).searchParams;
}

async function signIn(client: TestClient, ...scopes: string[]) {
  return (await client.redeem((await answerTo(client, check(...scopes))).get("code")!)).body;
}

const callTool = (client: TestClient, token: string, name: string) =>
  client.mcp(token, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } }),
  });

test("S2-26, S2-28: a box per scope; those the client asked for are checked, all of them when it asked for none", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  assert.deepEqual(boxes(await client.authorize({ scope: "wiki:read unknown" })), {
    "wiki:read": true,
    "wiki:write": false,
    "wiki:admin": false,
  });
  assert.deepEqual(boxes(await client.authorize()), { "wiki:read": true, "wiki:write": true, "wiki:admin": true });
});

test('S2-28: "unselect all" shows the page again with nothing checked, and it goes on from there', async () => {
  const client = await createTestClient(proxy.url, "wiki");
  const cleared = await client.browser.submit(await client.authorize(), { decision: "clear" });
  assert.equal(cleared.status, 200);
  assert.deepEqual(Object.values(boxes(cleared)), [false, false, false]);
  const sent = await client.browser.submit(cleared, { decision: "allow", ...check("wiki:read") });
  const back = await client.browser.follow(sent, redirectUri);
  const { body } = await client.redeem(new URL(back.location!).searchParams.get("code")!);
  assert.equal(body.scope, "wiki:read");
});

test("S2-28: what a checked scope covers comes with it, and the token answer says so", async () => {
  const tokens = await signIn(await createTestClient(proxy.url, "wiki"), "wiki:write");
  assert.equal(tokens.scope, "wiki:read wiki:write");
});

test("S2-31: granted is what was chosen, in the order of the request; what was added on the page comes after", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  const asked = { scope: " wiki:admin  unknown wiki:write " };
  const granted = async (...names: string[]) => {
    const sent = await client.browser.submit(await client.authorize(asked), { decision: "allow", ...check(...names) });
    const back = await client.browser.follow(sent, redirectUri);
    return (await client.redeem(new URL(back.location!).searchParams.get("code")!)).body.scope;
  };
  assert.equal(await granted("wiki:write", "wiki:admin"), "wiki:admin wiki:write wiki:read");
  assert.equal(await granted("wiki:read", "wiki:admin"), "wiki:admin wiki:read");
});

test("S2-29: names and descriptions from elsewhere are text, never markup", async () => {
  const page = await (await createTestClient(proxy.url, "wiki")).authorize();
  assert.doesNotMatch(page.html, /<script>alert|<img/);
  assert.match(page.html, /&lt;script&gt;alert\(1\)&lt;\/script&gt;&lt;img src=x onerror=alert\(1\)&gt;/);
});

test("S2-32: granting nothing is access_denied, never a token without a scope; a scope of no resource is no choice", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  assert.equal((await answerTo(client, {})).get("error"), "access_denied");
  assert.equal((await answerTo(client, check("root"))).get("error"), "access_denied");
});

test("S2-52: a tool without its scope is 403 with the scope to ask for, and the downstream does not hear of it", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  const { access_token } = await signIn(client, "wiki:read");
  downstream.requests.length = 0;
  const refused = await callTool(client, access_token!, "edit_page");
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get("www-authenticate")!, /error="insufficient_scope".*scope="wiki:write"/);
  assert.equal((await callTool(client, access_token!, "no_such_tool")).status, 403);
  assert.equal(downstream.requests.length, 0);
  assert.equal((await callTool(client, access_token!, "get_page")).status, 200);
});

test("the downstream sees our JWT and who is asking, and never what a client claims under those names", async () => {
  const client = await createTestClient(proxy.url, "wiki");
  const { access_token } = await signIn(client, "wiki:read");
  downstream.requests.length = 0;
  await client.mcp(access_token!, {
    method: "POST",
    headers: { "x-auth-request-user": "root", "x_auth_request_groups": "admins", "x-forwarded-user": "root" },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  const { headers } = downstream.requests[0]!;
  assert.equal(headers.authorization, `Bearer ${access_token}`);
  assert.equal(headers["x-auth-request-user"], "user-1");
  assert.equal(headers["x-auth-request-scopes"], "wiki:read");
  assert.deepEqual([headers["x_auth_request_groups"], headers["x-forwarded-user"]], [undefined, undefined]);
});

// A pasted key, from the page to the downstream, as a client and a browser see it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestClient, redirectUri, type TestClient, testClient, verifier } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let downstream: RecordingDownstream;
let proxy: ProxyProcess;
let client: TestClient;
const call = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

before(async () => {
  downstream = await recordingDownstream((headers) => headers["x-api-key"] === "wrong-key" ? 401 : 200);
  proxy = await startProxy({
    toml: `
[downstream.notes]
display_name = "Notes <b>&"
strategy = "passthrough"
downstream_url = "${downstream.url}"
auth_header_format = "X-API-Key"
auth_hint = "Settings > API"
scopes = "read write"
verify_url = "${downstream.url}"

[downstream.other]
display_name = "Other"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  client = await createTestClient(proxy.url, "notes");
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

test("S1-14, S1-15, S1-16: the page names client, server and destination, escapes everything, and can't be framed or cached", async () => {
  const page = await (await createTestClient(proxy.url, "notes", { client_name: '<img src=x onerror="1">' }))
    .authorize();
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type")!, /^text\/html/);
  assert.match(page.html, /&lt;img src=x onerror=&quot;1&quot;&gt;/);
  assert.match(page.html, /Notes &lt;b&gt;&amp;/);
  assert.match(page.html, /Settings &gt; API/);
  assert.match(page.html, /Required scopes: <code>read write<\/code>/);
  assert.match(page.html, /127\.0\.0\.1:33418/);
  assert.match(page.html, /class="warning"/);
  assert.match(page.html, /<input type="password" id="token" name="token" required/);
  assert.doesNotMatch(page.html, /<script|<img|onerror="/);
  assert.match(page.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
  assert.doesNotMatch(page.headers.get("content-security-policy")!, /form-action/);
  assert.equal(page.headers.get("x-frame-options"), "DENY");
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.equal(page.headers.get("referrer-policy"), "no-referrer");
});

test("S1-17, S1-06: allowing redirects with 303 to the client with code, state and iss; the key is in none of it", async () => {
  const answer = await client.browser.submit(await client.authorize(), { token: "the-secret-key", decision: "allow" });
  assert.equal(answer.status, 303);
  assert.ok(answer.location!.startsWith(redirectUri + "?"));
  const query = new URL(answer.location!).searchParams;
  assert.deepEqual([...query.keys()], ["code", "state", "iss"]);
  assert.equal(query.get("state"), "the state");
  assert.equal(query.get("iss"), `${proxy.url}/mcp/notes`);
  assert.ok(!answer.location!.includes("the-secret-key"));
});

test("S1-10: refusing goes back to the client as access_denied with state and iss", async () => {
  const answer = await client.browser.submit(await client.authorize(), { decision: "deny" });
  const query = new URL(answer.location!).searchParams;
  assert.deepEqual([query.get("error"), query.get("state"), query.get("iss")], [
    "access_denied",
    "the state",
    `${proxy.url}/mcp/notes`,
  ]);
});

for (
  const [what, key] of [["an empty key", ""], ["a key with a line break", "a\nb"], [
    "a key of 5000 characters",
    "k".repeat(5000),
  ]] as const
) {
  test(`S1-17: ${what} shows the form again with 400`, async () => {
    const answer = await client.browser.submit(await client.authorize(), { token: key, decision: "allow" });
    assert.equal(answer.status, 400);
    assert.match(answer.html, /role="alert"/);
    assert.match(answer.html, /name="token"/);
  });
}

test("verify_url: a key that the downstream refuses shows the form again, and the right one goes on from there", async () => {
  const again = await client.browser.submit(await client.authorize(), { token: "wrong-key", decision: "allow" });
  assert.equal(again.status, 400);
  assert.match(again.html, /does not accept this key/);
  const answer = await client.browser.submit(again, { token: "right-key", decision: "allow" });
  assert.equal(answer.status, 303);
});

test("S1-18: a form that was changed, is missing, or belongs to another downstream is refused without a redirect", async () => {
  const page = await client.authorize();
  const elsewhere = { ...page, url: page.url.replace("/mcp/notes", "/mcp/other") };
  for (
    const [from, fields] of [[page, { request: "eyJ.x.y.z.w" }], [{ ...page, html: "" }, {}], [elsewhere, {}]] as const
  ) {
    const answer = await client.browser.submit(from, { token: "k", decision: "allow", ...fields });
    assert.equal(answer.status, 400);
    assert.equal(answer.location, undefined);
  }
});

test("SBP: the form works only in the browser that opened it, and not from another site", async () => {
  const page = await client.authorize();
  const stranger = testClient(proxy.url, "notes", client.clientId).browser;
  assert.equal((await stranger.submit(page, { token: "k", decision: "allow" })).status, 400);
  const crossSite = await client.browser.submit(page, { token: "k", decision: "allow" }, {
    "sec-fetch-site": "cross-site",
  });
  assert.equal(crossSite.status, 400);
});

test("S1-37, S1-42: the token is not the key, yet the downstream gets exactly the key and never the client's Authorization", async () => {
  const tokens = await client.signIn("the-secret-key");
  assert.equal(tokens.token_type, "Bearer");
  assert.equal(tokens.expires_in, 3600);
  assert.equal(tokens.scope, "read write");
  assert.ok(!JSON.stringify(tokens).includes("the-secret-key"));
  downstream.requests.length = 0;
  const answer = await client.mcp(tokens.access_token!, call);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { jsonrpc: "2.0", id: 1, result: {} });
  assert.equal(downstream.requests[0]!.headers["x-api-key"], "the-secret-key");
  assert.equal(downstream.requests[0]!.headers.authorization, undefined);
});

test("S1-43: without a token the challenge says where to find out how to get one, and names the scopes", async () => {
  const answer = await fetch(`${proxy.url}/mcp/notes`, call);
  assert.equal(answer.status, 401);
  assert.equal(
    answer.headers.get("www-authenticate"),
    `Bearer scope="read write", resource_metadata="${proxy.url}/.well-known/oauth-protected-resource/mcp/notes"`,
  );
});

test("S1-44: a token for one downstream is refused at another without asking it (RFC 8707 audience)", async () => {
  const tokens = await client.signIn();
  downstream.requests.length = 0;
  const answer = await testClient(proxy.url, "other", client.clientId).mcp(tokens.access_token!, call);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate")!, /error="invalid_token"/);
  assert.equal(downstream.requests.length, 0);
});

test("S1-30, D4: a failed redemption spends nothing; a second successful one is refused and revokes what was issued", async () => {
  const code = await client.code("the-key");
  assert.equal((await client.redeem(code, { code_verifier: "w".repeat(43) })).body.error, "invalid_grant");
  const first = await client.redeem(code);
  assert.equal(first.status, 200);
  const second = await client.redeem(code);
  assert.deepEqual([second.status, second.body.error], [400, "invalid_grant"]);
  assert.equal((await client.mcp(first.body.access_token!, call)).status, 401);
  assert.equal((await client.refresh(first.body.refresh_token!)).body.error, "invalid_grant");
});

test("S1-31, S1-32: a code is bound to client, downstream and redirect URI", async () => {
  const code = await client.code("the-key");
  const stranger = await createTestClient(proxy.url, "notes", { client_name: "Stranger" });
  const elsewhere = testClient(proxy.url, "other", client.clientId);
  assert.equal((await stranger.redeem(code)).body.error, "invalid_grant");
  assert.equal((await elsewhere.redeem(code)).body.error, "invalid_grant");
  assert.equal((await client.redeem(code, { redirect_uri: redirectUri + "/x" })).body.error, "invalid_grant");
  assert.equal((await client.redeem(code, { resource: `${proxy.url}/mcp/other` })).body.error, "invalid_target");
  assert.equal((await client.redeem(code, { redirect_uri: undefined, resource: undefined })).status, 200);
});

for (
  const [what, parameters, error] of [
    ["no grant_type", {}, "invalid_request"],
    ["an unknown grant_type", { grant_type: "password" }, "unsupported_grant_type"],
    ["a grant_type that every object has", { grant_type: "constructor" }, "unsupported_grant_type"],
    ["no code", { grant_type: "authorization_code", code_verifier: verifier }, "invalid_request"],
    ["no code_verifier", { grant_type: "authorization_code", code: "x" }, "invalid_request"],
    ["a garbage code", { grant_type: "authorization_code", code: "x", code_verifier: verifier }, "invalid_grant"],
    ["no refresh_token", { grant_type: "refresh_token" }, "invalid_request"],
    ["a garbage refresh_token", { grant_type: "refresh_token", refresh_token: "x" }, "invalid_grant"],
  ] as const
) {
  test(`S1-35, S1-36: the token endpoint answers ${what} with JSON ${error} and no-store (RFC 6749 §5.2)`, async () => {
    const answer = await client.token({ client_id: client.clientId, ...parameters });
    assert.deepEqual([answer.status, answer.body.error, answer.headers.get("cache-control")], [400, error, "no-store"]);
  });
}

test("S1-36: a JSON body at the token endpoint is invalid_request in JSON", async () => {
  const answer = await fetch(`${proxy.url}/token/mcp/notes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  assert.equal(answer.status, 400);
  assert.equal((await answer.json() as { error: string }).error, "invalid_request");
});

test("S1-35, S1-03: unknown names are 404 with a JSON error everywhere", async () => {
  for (
    const path of [
      "/token/mcp/nope",
      "/authorize/mcp/nope",
      "/mcp/nope",
      "/.well-known/oauth-protected-resource/mcp/nope",
      "/.well-known/oauth-authorization-server/mcp/nope",
    ]
  ) {
    const answer = await fetch(
      proxy.url + path,
      path.startsWith("/token") ? { method: "POST", body: new URLSearchParams() } : {},
    );
    assert.equal(answer.status, 404, path);
    assert.deepEqual(await answer.json(), { error: "unknown downstream" });
  }
});

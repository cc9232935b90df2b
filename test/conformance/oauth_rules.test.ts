// Rules of the RFCs that no other test shows, as a client meets them. Names begin with the ids of requirements.md.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestClient, redirectUri, type TestClient, testClient, verifier } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let downstream: RecordingDownstream;
let proxy: ProxyProcess;
let client: TestClient;
before(async () => {
  downstream = await recordingDownstream();
  proxy = await startProxy({
    toml: `
[client.confidential]
name = "Confidential"
redirect_uris = ["${redirectUri}"]
client_secret = "the secret of 32 characters or so"

[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
scopes = "read write"

[downstream.plain]
display_name = "Plain"
strategy = "passthrough"
downstream_url = "${downstream.url}"

[rate_limit]
per_address = 0
per_client = 0
`,
  });
  client = await createTestClient(proxy.url, "notes");
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await downstream?.[Symbol.asyncDispose]();
});

/** The code of an authorization request with these parameters besides the usual ones. */
async function codeFor(changes: Record<string, string | undefined>): Promise<string> {
  const answer = await client.browser.submit(await client.authorize(changes), { token: "the-key", decision: "allow" });
  return new URL(answer.location!).searchParams.get("code")!;
}

async function post(path: string, body: string): Promise<{ status: number; body: Record<string, string> }> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await fetch(`${proxy.url}${path}/mcp/notes`, { method: "POST", body, headers });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text) };
}

test("RFC8414-2-a, RFC8414-3.2-a, RFC9728-2-a, RFC9728-2-b, RFC6749-3.1-a: documents have no empty values, and no URL has a fragment", async () => {
  for (const name of ["notes", "plain"]) {
    for (const document of ["oauth-authorization-server", "openid-configuration", "oauth-protected-resource"]) {
      const answer = await fetch(`${proxy.url}/.well-known/${document}/mcp/${name}`);
      assert.match(answer.headers.get("content-type")!, /^application\/json/);
      const entries = Object.entries(await answer.json() as Record<string, unknown>);
      assert.ok(entries.length > 3);
      for (const [key, value] of entries) {
        assert.ok(value !== null && value !== "" && !(Array.isArray(value) && value.length === 0), `${key} is empty`);
        if (typeof value === "string" && value.startsWith("http")) assert.doesNotMatch(value, /[#?]/, key);
      }
    }
  }
});

test("RFC8414-2-c: signing algorithms go with private_key_jwt, and none is not one of them", async () => {
  const metadata = await (await fetch(`${proxy.url}/.well-known/oauth-authorization-server/mcp/notes`)).json();
  for (const endpoint of ["token", "revocation"]) {
    assert.ok(metadata[`${endpoint}_endpoint_auth_methods_supported`].includes("private_key_jwt"));
    const algorithms: string[] = metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`];
    assert.ok(algorithms.includes("RS256") && !algorithms.includes("none"));
  }
});

test("RFC6749-3.1.2.4-a, RFC6749-4.1.2.1-a, MCP-SEC-10: a bad client or redirect URI is told to the person, never to the URI", async () => {
  for (
    const changes of [
      { client_id: undefined },
      { client_id: "nobody" },
      { client_id: "" },
      { redirect_uri: undefined },
      { redirect_uri: "https://evil.example/callback" },
      { redirect_uri: `${redirectUri}/more` },
      { redirect_uri: "http://user@127.0.0.1:33418/callback" },
    ]
  ) {
    const page = await client.authorize(changes);
    assert.deepEqual([page.status, page.location], [400, undefined], JSON.stringify(changes));
    assert.match(page.headers.get("content-type")!, /^text\/html/);
  }
  const url = new URL((await client.authorize()).url);
  url.searchParams.append("redirect_uri", "https://evil.example/callback");
  const twice = await client.browser.get(url.href);
  assert.deepEqual([twice.status, twice.location], [400, undefined]);
});

test("RFC6749-4.1.2.1-b, RFC9207-2-a, RFC7636-4.4.1-a: every other error goes to the client with error, state and iss", async () => {
  for (
    const [changes, error] of [
      [{ response_type: undefined }, "invalid_request"],
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ code_challenge: undefined }, "invalid_request"],
      [{ code_challenge_method: undefined }, "invalid_request"],
      [{ code_challenge_method: "plain" }, "invalid_request"],
      [{ resource: `${proxy.url}/mcp/plain` }, "invalid_target"],
    ] as const
  ) {
    const { status, location } = await client.authorize(changes);
    assert.ok(status === 303 && location!.startsWith(`${redirectUri}?`), JSON.stringify(changes));
    const query = new URL(location!).searchParams;
    const answer = [query.get("error"), query.get("state"), query.get("iss"), query.get("code")];
    assert.deepEqual(answer, [error, "the state", `${proxy.url}/mcp/notes`, null]);
  }
});

test("RFC6749-3.1-d: parameters that nobody knows are ignored", async () => {
  const page = await client.authorize({ utm_source: "x", prompt: "consent" });
  assert.equal(page.status, 200);
  const tokens = await client.redeem(await client.code("the-key"), { utm_source: "x" });
  assert.equal(tokens.status, 200);
});

test("RFC6749-3.2-b: at the token endpoint an empty parameter counts as absent, a repeated one is refused", async () => {
  const code = await client.code("the-key");
  const repeated = await post("/token", "grant_type=authorization_code&grant_type=authorization_code");
  assert.deepEqual([repeated.status, repeated.body.error], [400, "invalid_request"]);
  assert.equal((await client.redeem(code, { code_verifier: "" })).body.error, "invalid_request");
  assert.equal((await client.redeem(code, { redirect_uri: "", resource: "" })).status, 200);
});

test("RFC6749-2.3.1-b: nothing is read from the token endpoint's query", async () => {
  const query = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: client.clientId,
    code: await client.code("the-key"),
    code_verifier: verifier,
  });
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await fetch(`${proxy.url}/token/mcp/notes?${query}`, { method: "POST", headers: form, body: "" });
  assert.deepEqual([answer.status, (await answer.json()).error], [400, "invalid_request"]);
});

test("RFC6749-3.2.1-a, RFC6749-4.1.3-a, RFC6749-5.2-b, RFC6749-6-a: a confidential client has to authenticate, for a code and for a refresh", async () => {
  const confidential = testClient(proxy.url, "notes", "confidential");
  const basic = (secret: string) => ({ authorization: `Basic ${btoa(`confidential:${encodeURIComponent(secret)}`)}` });
  const code = await confidential.code("the-key");
  const redemption = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri };
  const silent = await confidential.redeem(code);
  assert.deepEqual([silent.status, silent.body.error], [401, "invalid_client"]);
  const wrong = await confidential.token(redemption, basic("wrong"));
  assert.deepEqual([wrong.status, wrong.body.error], [401, "invalid_client"]);
  assert.match(wrong.headers.get("www-authenticate")!, /^Basic /);
  const right = await confidential.token(redemption, basic("the secret of 32 characters or so"));
  assert.equal(right.status, 200);
  const refresh = { grant_type: "refresh_token", refresh_token: right.body.refresh_token! };
  assert.equal((await confidential.refresh(right.body.refresh_token!)).body.error, "invalid_client");
  assert.equal((await confidential.token(refresh, basic("the secret of 32 characters or so"))).status, 200);
});

test("RFC6749-3.3-a, RFC6749-3.3-b: the answer says which scope was granted, be it narrowed or the default", async () => {
  assert.equal((await client.redeem(await codeFor({ scope: "read invented" }))).body.scope, "read");
  assert.equal((await client.redeem(await codeFor({ scope: undefined }))).body.scope, "read write");
});

test("RFC6749-4.1.2.1-c: descriptions hold none of the characters that RFC 6749 forbids, whatever was sent", async () => {
  const odd = '"\\\u0000é\n<b>';
  const answers = [
    (await client.token({ grant_type: odd })).body,
    (await client.token({ client_id: odd, grant_type: "refresh_token", refresh_token: "x" })).body,
    (await post("/token", `${encodeURIComponent(odd)}=1&${encodeURIComponent(odd)}=2`)).body,
    (await client.redeem("x", { resource: odd })).body,
    (await post("/revoke", `client_id=${encodeURIComponent(odd)}&token=x`)).body,
  ];
  for (const changes of [{ response_type: odd }, { resource: odd }, { code_challenge: odd }]) {
    const query = new URL((await client.authorize(changes)).location!).searchParams;
    answers.push(Object.fromEntries(query));
  }
  for (const { error, error_description } of answers) {
    assert.match(error!, /^[a-z_]+$/);
    assert.match(error_description!, /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
  }
});

test("RFC6750-2.3-a, RFC6750-2.2-a, MCP-AUTH-12: a token in the query or in a form is no token", async () => {
  const { access_token: token = "" } = await client.signIn();
  downstream.requests.length = 0;
  const inQuery = await fetch(`${proxy.url}/mcp/notes?access_token=${token}`, { method: "POST", body: "{}" });
  const inForm = await fetch(`${proxy.url}/mcp/notes`, {
    method: "POST",
    body: new URLSearchParams({ access_token: token }),
  });
  for (const answer of [inQuery, inForm]) {
    assert.equal(answer.status, 401);
    assert.doesNotMatch(answer.headers.get("www-authenticate")!, /error=/);
  }
  assert.equal(downstream.requests.length, 0);
});

test("RFC6750-3-b: no parameter of a challenge appears twice", async () => {
  const refused = await client.mcp("garbage", { method: "POST", body: "{}" });
  const names = [...refused.headers.get("www-authenticate")!.matchAll(/(\w+)="/g)].map(([, name]) => name);
  assert.deepEqual(names, [...new Set(names)]);
  assert.ok(names.includes("error") && names.includes("resource_metadata"));
});

test("RFC7009-2.1-a: a wrong or unknown token_type_hint does not keep a token from being found", async () => {
  for (const token_type_hint of ["access_token", "something"]) {
    const { refresh_token: token = "" } = await client.signIn();
    const form = new URLSearchParams({ client_id: client.clientId, token, token_type_hint });
    assert.equal((await post("/revoke", form.toString())).status, 200);
    assert.equal((await client.refresh(token)).body.error, "invalid_grant");
  }
});

test("RFC7009-2.2.1-a: a revocation without a token, or by nobody, is refused in JSON", async () => {
  const noToken = await post("/revoke", `client_id=${encodeURIComponent(client.clientId)}`);
  assert.deepEqual([noToken.status, noToken.body.error], [400, "invalid_request"]);
  const nobody = await post("/revoke", "client_id=nobody&token=x");
  assert.deepEqual([nobody.status, nobody.body.error], [401, "invalid_client"]);
});

test("RFC7591-2-a, RFC7591-3-a, MCP-REG-09: anybody may register, and metadata that we don't know is ignored", async () => {
  const answer = await fetch(`${proxy.url}/register/mcp/notes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [redirectUri], application_type: "native", software_statement: "x", foo: 1 }),
  });
  assert.equal(answer.status, 201);
  const registered = await answer.json();
  assert.ok(!("foo" in registered) && !("software_statement" in registered));
});

test("RFC6749-3.1-e, RFC8707-2.1-a: a repeated parameter is refused, and the client is told", async () => {
  for (
    const [name, value, error] of [
      ["resource", `${proxy.url}/mcp/plain`, "invalid_target"],
      ["scope", "read", "invalid_request"],
      ["response_type", "code", "invalid_request"],
    ] as const
  ) {
    const url = new URL((await client.authorize({ scope: "read" })).url);
    url.searchParams.append(name, value);
    const { location } = await client.browser.get(url.href);
    const query = new URL(location ?? "about:blank").searchParams;
    assert.deepEqual([query.get("error"), query.get("state")], [error, "the state"], name);
  }
});

test("MCP-AUTH-09: scheme and host of `resource` count in any case", async () => {
  const resource = `${proxy.url}/mcp/notes`.replace("http:", "HTTP:");
  assert.equal((await client.redeem(await codeFor({ resource }), { resource })).status, 200);
});

test("RFC6749-2.3.1-c: whoever guesses client secrets is held up after the minute's worth", async () => {
  await using strict = await startProxy({
    toml: `
[client.confidential]
name = "Confidential"
redirect_uris = ["${redirectUri}"]
client_secret = "the secret of 32 characters or so"

[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"

[rate_limit]
per_address = 3
`,
  });
  const guesser = testClient(strict.url, "notes", "confidential");
  const guess = () => guesser.token({ grant_type: "refresh_token", client_id: "confidential", client_secret: "guess" });
  const answers = [await guess(), await guess(), await guess(), await guess()];
  assert.deepEqual(answers.map(({ status }) => status), [401, 401, 401, 429]);
  assert.match(answers[3]!.headers.get("retry-after")!, /^[1-9]\d*$/);
});

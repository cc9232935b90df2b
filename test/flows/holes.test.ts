// Holes that other authorization servers and proxies had, where no other test shows that they are closed here:
// test/conformance/holes.md.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { redirectUri, type TestClient, testClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { recordingDownstream } from "../support/recording_downstream.ts";

let proxy: ProxyProcess;
let client: TestClient;
let downstream: Awaited<ReturnType<typeof recordingDownstream>>;
const secret = { client_secret: "the-secret-of-the-agent" };

before(async () => {
  downstream = await recordingDownstream();
  proxy = await startProxy({
    toml: `
[client.agent]
name = "Agent"
redirect_uris = ["${redirectUri}"]
client_secret = "${secret.client_secret}"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  client = testClient(proxy.url, "notes", "agent");
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

test("CVE-2025-4144: no PKCE, no code; and a code is worth nothing without its verifier", async () => {
  for (const changes of [{ code_challenge: undefined }, { code_challenge_method: "plain" }]) {
    const refused = new URL((await client.authorize(changes)).location ?? "about:blank").searchParams;
    assert.deepEqual([refused.get("error"), refused.get("code")], ["invalid_request", null]);
  }
  const code = await client.code("the-key");
  for (const code_verifier of [undefined, "", " ", "x".repeat(43)]) {
    const { status, body } = await client.redeem(code, { ...secret, code_verifier });
    assert.deepEqual([status, body.access_token], [400, undefined]);
  }
  assert.equal((await client.redeem(code, secret)).status, 200);
});

test("a confidential client comes with its client secret to redeem, to refresh and to revoke", async () => {
  const code = await client.code("the-key");
  for (const proof of [{}, { client_secret: "" }, { client_secret: "guessed" }]) {
    assert.equal((await client.redeem(code, proof)).body.error, "invalid_client");
  }
  const tokens = (await client.redeem(code, secret)).body;
  assert.equal((await client.refresh(tokens.refresh_token!)).body.error, "invalid_client");
  assert.equal((await client.revoke(tokens.refresh_token!)).status, 401);
  assert.equal((await client.mcp(tokens.access_token!, { method: "POST", body: "{}" })).status, 200);
});

test("a wrong client secret is told in the same words, whatever else is right or wrong: none of two secrets can be tried alone", async () => {
  const [code, spent] = [await client.code("the-key"), await client.code("the-key")];
  const { refresh_token } = (await client.redeem(spent, secret)).body;
  const wrong = { client_secret: "guessed" };
  const ofTheMoment = ["date", "connection"]; // the runtime's, not ours
  const answers = [
    await client.redeem(code, wrong),
    await client.redeem(spent, wrong),
    await client.redeem("garbage", wrong),
    await client.redeem(code, { ...wrong, code_verifier: "x".repeat(43) }),
    await client.refresh(refresh_token!, wrong),
    await client.refresh("garbage", wrong),
  ].map(({ status, headers, body }) => ({
    status,
    headers: [...headers].filter(([name]) => !ofTheMoment.includes(name)),
    body,
  }));
  assert.deepEqual(answers, answers.map(() => answers[0]));
  assert.deepEqual([answers[0]!.status, answers[0]!.body.error], [401, "invalid_client"]);
  // And none of it has spent or revoked anything.
  assert.equal((await client.redeem(code, secret)).status, 200);
  assert.equal((await client.refresh(refresh_token!, secret)).status, 200);
});

test("no header of a request gets into the base URL of documents, challenges and redirects", async () => {
  const evil = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/evil.example",
    "x-original-url": "https://evil.example/",
    "x-mcp-oauth-proxy-url": "https://evil.example",
    "forwarded": "host=evil.example;proto=https",
  };
  for (
    const path of [
      "/",
      "/.well-known/oauth-protected-resource/mcp/notes",
      "/.well-known/oauth-authorization-server/mcp/notes",
      "/.well-known/openid-configuration/mcp/notes",
      "/mcp/notes",
      `/authorize/mcp/notes?client_id=agent&redirect_uri=${encodeURIComponent(redirectUri)}`,
    ]
  ) {
    const answer = await fetch(proxy.url + path, { headers: evil, redirect: "manual" });
    const told = `${[...answer.headers].join("\n")}\n${await answer.text()}`;
    assert.doesNotMatch(told, /evil\.example/, path);
    assert.ok([proxy.url, encodeURIComponent(proxy.url)].some((own) => told.includes(own)), path);
  }
});

test("what was sent stands on an error page as text", async () => {
  const markup = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`;
  for (const changes of [{ client_id: markup }, { redirect_uri: markup }, { redirect_uri: `https://x/${markup}` }]) {
    const page = await client.authorize({ state: markup, ...changes });
    assert.equal(page.status, 400);
    assert.doesNotMatch(page.html, /<img|<script>alert/i);
  }
  const answer = await fetch(`${proxy.url}/${encodeURIComponent(markup)}`, { headers: { accept: "text/html" } });
  assert.doesNotMatch(await answer.text(), /<img|<script>alert/i);
});

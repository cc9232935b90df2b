// S1-55: at the finest level, in both formats, nothing that opens a door is in the output: not when all goes well, not when it fails.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  type Behaviour,
  dieBeforeHead,
  dieMidBody,
  html,
  json,
  redirect,
  sse,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { challenge, createTestClient, type TestClient, testClient, verifier } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const secretOf = (what: string) => `${what}-${randomBytes(12).toString("hex")}`;
const call = { method: "POST", body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };

/** Name of each secret, and the secret. */
type Secrets = Map<string, string>;

for (const format of ["json", "text"]) {
  test(`S1-55, S2-63: a flow with all that can go wrong, at LOG_LEVEL=trace as ${format}, prints no secret`, async () => {
    const secrets: Secrets = new Map([
      ["state_secret", randomBytes(32).toString("base64")],
      ["client_secret", secretOf("client-secret")],
      ["key", secretOf("key")],
      ["wrong key", secretOf("wrong-key")],
      ["state", secretOf("state")],
      ["code_verifier", verifier],
      ["code_challenge", challenge],
      ["query of downstream_url", secretOf("tenant")],
      ["query of a redirect", secretOf("redirect")],
      ["body of a call", secretOf("argument")],
      ["query of a call", secretOf("query")],
      ["header of a call", secretOf("header")],
    ]);
    const downstream = await startFakeMcpServer();
    await using proxy = await startProxy({
      stateSecret: secrets.get("state_secret")!,
      logLevel: "trace",
      server: "idle_timeout = 5",
      env: { AGENT_SECRET: secrets.get("client_secret")! },
      toml: `
[log]
format = "${format}"
[client.agent]
name = "Agent"
redirect_uris = ["http://127.0.0.1:33418/callback"]
client_secret = "env:AGENT_SECRET"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}?tenant=${secrets.get("query of downstream_url")}"
verify_url = "${downstream.url}?tenant=${secrets.get("query of downstream_url")}"
`,
    });
    try {
      downstream.behave((request, ...rest) => {
        const isWrong = request.headers.authorization === `Bearer ${secrets.get("wrong key")}`;
        return json({}, { status: isWrong ? 401 : 200 })(request, ...rest);
      });
      await signInAndOut(await createTestClient(proxy.url, "notes"), secrets);
      await signInAndOut(testClient(proxy.url, "notes", "agent"), secrets, {
        client_secret: secrets.get("client_secret")!,
      });
      await failAtTheDownstream(await createTestClient(proxy.url, "notes"), downstream.behave, secrets);
    } finally {
      await proxy.stop();
      await downstream.close();
    }
    assertSilentAbout(proxy, secrets);
  });
}

/** The road of a key with every wrong turn at the OAuth endpoints. Adds what it is given on the way to `secrets`. */
async function signInAndOut(client: TestClient, secrets: Secrets, proof: Record<string, string> = {}): Promise<void> {
  const keep = (name: string, value: string | undefined) => {
    assert.ok(value, `${name} was not issued`);
    secrets.set(`${name} of ${client.clientId.slice(0, 10)}${secrets.size}`, value);
    return value;
  };
  const state = secrets.get("state")!;
  const page = await client.authorize({ state });
  keep("sealed request", /name="request" value="([^"]+)"/.exec(page.html)?.[1]);
  for (const value of client.browser.cookies.values()) keep("cookie", value);
  const again = await client.browser.submit(page, { token: secrets.get("wrong key")!, decision: "allow" });
  assert.equal(again.status, 400);
  const answer = await client.browser.submit(again, { token: secrets.get("key")!, decision: "allow" });
  const code = keep("code", new URL(answer.location!).searchParams.get("code") ?? undefined);

  assert.equal((await client.redeem(code, { ...proof, code_verifier: "w".repeat(43) })).status, 400);
  assert.equal(
    (await client.redeem(code, { ...proof, client_secret: secretFor(secrets, "guessed secret") })).status >= 400,
    true,
  );
  assert.equal((await client.redeem(`${code}${code}`, proof)).status, 400);
  const tokens = (await client.redeem(code, proof)).body;
  keep("access token", tokens.access_token);
  keep("refresh token", tokens.refresh_token);
  assert.equal((await client.mcp(tokens.access_token!, call)).status, 200);
  const renewed = (await client.refresh(tokens.refresh_token!, proof)).body;
  keep("second access token", renewed.access_token);
  keep("second refresh token", renewed.refresh_token);

  const garbage = secretFor(secrets, "foreign token");
  assert.equal((await client.mcp(garbage, call)).status, 401);
  assert.equal((await client.refresh(garbage, proof)).status, 400);
  await client.authorize({ state, code_challenge: "short" });
  await client.authorize({ state, response_type: "token" });
  await client.authorize({ state, redirect_uri: `https://evil.example/?x=${secretFor(secrets, "foreign query")}` });
  await client.browser.get(`${new URL(page.url).origin}/callback/mcp/notes?code=${code}&state=${state}`);
  await client.browser.get(`${new URL(page.url).origin}/nowhere?key=${secrets.get("key")}`);
  assert.equal((await client.redeem(code, proof)).status, 400); // the second time: all of it is revoked
  assert.equal((await client.revoke(renewed.refresh_token!)).status < 500, true);
}

function secretFor(secrets: Secrets, what: string): string {
  const value = secretOf(what.replaceAll(" ", "-"));
  secrets.set(`${what} ${secrets.size}`, value);
  return value;
}

async function failAtTheDownstream(
  client: TestClient,
  behave: (behaviour: Behaviour) => void,
  secrets: Secrets,
): Promise<void> {
  const accessToken = (await client.signIn(secrets.get("key")!)).access_token!;
  secrets.set("access token at a failing downstream", accessToken);
  const failures: Behaviour[] = [
    html,
    redirect(`https://elsewhere.example/?x=${secrets.get("query of a redirect")}`),
    dieBeforeHead,
    dieMidBody("data: x\n\n"),
    dieMidBody('{"half":', "application/json"),
    json({}, { status: 401 }),
    json({}, { status: 500 }),
    // A legacy endpoint on another origin, which is refused; and one on its own, whose path is sealed for the client.
    sse([`event: endpoint\ndata: https://evil.example/?x=${secrets.get("query of a redirect")}\n\n`]),
    sse([`event: endpoint\ndata: /messages?session=${secrets.get("query of a redirect")}\n\n`], { end: true }),
  ];
  for (const [index, behaviour] of failures.entries()) {
    behave(behaviour);
    const isStream = index >= failures.length - 2;
    const url = `?q=${secrets.get("query of a call")}`;
    const answer = await mcpAt(client, accessToken, url, {
      ...(isStream ? { headers: { accept: "text/event-stream" } } : {
        method: "POST",
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { x: secrets.get("body of a call") } }),
        headers: { "x-extra": secrets.get("header of a call")! },
      }),
    });
    const text = await answer.text().catch(() => "broken off");
    const endpoint = /event: endpoint\ndata: (\S+)/.exec(text)?.[1];
    if (endpoint === undefined) continue;
    secrets.set("sealed legacy endpoint", new URL(endpoint, answer.url).search.slice(1));
    behave(dieBeforeHead);
    await mcpAt(client, accessToken, new URL(endpoint, answer.url).search, call);
    await mcpAt(client, accessToken, `${new URL(endpoint, answer.url).search}x`, call);
  }
  assert.ok(secrets.has("sealed legacy endpoint"));
}

function mcpAt(client: TestClient, accessToken: string, search: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${accessToken}`);
  return fetch(client.mcpUrl + search, { ...init, headers });
}

function assertSilentAbout(proxy: ProxyProcess, secrets: Secrets): void {
  const output = proxy.output();
  for (
    const event of ["client_registered", "authorization_requested", "token_issued", "request_served", "server_stopped"]
  ) {
    assert.match(output, new RegExp(event)); // else the silence below would prove nothing
  }
  const told = [...secrets].filter(([, secret]) => {
    const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")];
    return spellings.some((spelling) => output.includes(spelling));
  });
  assert.deepEqual(told.map(([name]) => name), [], output);
  assert.doesNotMatch(output, /[?&](code|state|code_challenge|client_id|token|key)=/, "no query is logged");
  // Deno prints a stream that broke off by itself: a message and a stack without any value in them.
  if ("Bun" in globalThis) assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+/, "no stack is printed");
}

// /authenticate behind a reverse proxy that passes on what its clients write (nginx, Caddy and Traefik all do, for some headers).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createFakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { type Answer, sendTo, type Sent } from "../support/host_request.ts";
import { challenge, redirectUri, verifier } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const wiki = "wiki.example.com";
const other = "other.example.com";
const attacker = "203.0.113.7";

let provider: ReturnType<typeof listen>;
let proxy: ProxyProcess;
/** Good for `other`, with the scope `read` of `read` and `write`. */
let token: string;

before(async () => {
  const openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "user-1", preferred_username: "eve", email: "eve@example.com", email_verified: true };
  provider = listen(openId);
  openId.moveTo(provider.url);
  const login = (name: string, published: string) => `
[downstream.${name}]
display_name = "${name}"
strategy = "login"
provider = "company"
${published}
allow_everyone = true
[[downstream.${name}.tool_scopes]]
name = "read"
description = "Read"
tools = ["get"]
[[downstream.${name}.tool_scopes]]
name = "write"
description = "Write"
tools = ["set"]
`;
  proxy = await startProxy({
    publicUrl: "https://mcp.example.com",
    server: 'trusted_proxies = ["127.0.0.1"]',
    toml: `
[provider.company]
kind = "oidc"
issuer = "${provider.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"
${login("wiki", `host = "${wiki}"\npath = "/mcp"`)}
${login("other", `host = "${other}"\npath = "/mcp"`)}
${login("notes", "")}
`,
  });
  token = await signIn();
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const pair = (cookies: string[]) => cookies.map((cookie) => cookie.split(";")[0]).join("; ");

async function signIn(): Promise<string> {
  const send = (path: string, sent: Sent = {}) => sendTo(proxy.port, path, { host: other, ...sent });
  const { client_id } = (await send("/register", { body: { redirect_uris: [redirectUri] }, type: "application/json" }))
    .json();
  const page = await send(`/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: client_id!,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    scope: "read",
  })}`);
  const request = /name="request" value="([^"]+)"/.exec(page.text)![1]!;
  const field = /name="([^"]+)" value="[^"]*"[^>]* checked/.exec(page.text)?.[1] ??
    /type="checkbox"[^>]*name="([^"]+)"/.exec(page.text)![1]!;
  const away = await send("/authorize", {
    body: { request, decision: "allow", [field]: "on" },
    headers: { cookie: pair(page.cookies) },
  });
  const atProvider = await fetch(away.location, { redirect: "manual" });
  await atProvider.body?.cancel();
  const back = await send(atProvider.headers.get("location")!.slice(`https://${other}`.length), {
    headers: { cookie: pair([...page.cookies, ...away.cookies]) },
  });
  const answer = await send("/token", {
    body: {
      grant_type: "authorization_code",
      client_id: client_id!,
      code: back.location.searchParams.get("code")!,
      code_verifier: verifier,
    },
  });
  assert.equal(answer.json().scope, "read");
  return answer.json().access_token!;
}

const modern = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };

function ask(host: string, headers: Record<string, string | string[]>, path = "/authenticate"): Promise<Answer> {
  const sent = { authorization: `Bearer ${token}`, "x-forwarded-for": attacker, ...modern, ...headers };
  return sendTo(proxy.port, path, { host, headers: sent as Record<string, string> });
}

test("S2-46: the token opens its own host, by Host and by what the proxy forwards, and no other", async () => {
  assert.equal((await ask(other, {})).status, 200);
  assert.equal((await ask("proxy.internal", { "x-forwarded-host": other })).status, 200);
  assert.equal(
    (await ask("proxy.internal", { forwarded: `for=${attacker};host=${other}`, "x-forwarded-host": other }))
      .status,
    200,
  );
  assert.equal((await ask(wiki, {})).status, 401);
});

for (
  const [what, host, headers] of [
    ["X-Forwarded-Host beside a Host that is published (nginx)", wiki, { "x-forwarded-host": other }],
    ["Forwarded beside a Host that is published (Caddy)", wiki, { forwarded: `for=${attacker};host=${other}` }],
    ["Forwarded beside the proxy's X-Forwarded-Host (Traefik)", "proxy.internal", {
      forwarded: `for=${attacker};host=${other}`,
      "x-forwarded-host": wiki,
    }],
    ["both, and the proxy's X-Forwarded-Host", wiki, {
      forwarded: `for=${attacker};host=${other}`,
      "x-forwarded-host": wiki,
    }],
  ] as const
) {
  test(`S2-02, S2-46: a client can't have its token checked for another host: ${what}`, async () => {
    assert.match(String((await ask(host, headers)).status), /^40[13]$/);
  });
}

test("S2-02, S2-46: nor for a server that is published by path", async () => {
  const answer = await ask("mcp.example.com", { "x-forwarded-host": other }, "/authenticate/mcp/notes");
  assert.match(String(answer.status), /^40[13]$/);
});

for (
  const [what, headers, status] of [
    ["tools/list", {}, 200],
    ["a tool with its scope", { "mcp-method": "tools/call", "mcp-name": "get" }, 200],
    ["a tool without its scope", { "mcp-method": "tools/call", "mcp-name": "set" }, 403],
    ["no method at all", { "mcp-method": "" }, 403],
    ["the method twice", { "mcp-method": ["tools/call", "tools/list"] }, 403],
    ["the method twice, the other way round", { "mcp-method": ["tools/list", "tools/call"] }, 403],
    ["a notification before the method", { "mcp-method": ["notifications/x", "tools/call"] }, 403],
    ["the method in Base64", { "mcp-method": "=?base64?dG9vbHMvY2FsbA==?=" }, 403],
    ["the method in another case", { "mcp-method": "Tools/Call" }, 403],
    ["the version twice", { "mcp-protocol-version": ["2026-07-28", "2025-06-18"] }, 403],
    ["a version that is none", { "mcp-protocol-version": "zzz" }, 403],
    ["the name twice", { "mcp-method": "tools/call", "mcp-name": ["get", "set"] }, 403],
  ] as const
) {
  test(`S2-52: /authenticate of a server whose tools need scopes: ${what} is ${status}`, async () => {
    assert.equal((await ask(other, headers as Record<string, string | string[]>)).status, status);
  });
}

// A login downstream on a host of its own, as seed 2 published them: discovery, authorization, callback and token on the wire.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { type Answer, sendTo, type Sent } from "../support/host_request.ts";
import { challenge, redirectUri, verifier } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const host = "wiki-mcp.example.com";
const base = `https://${host}`;

let openId: FakeOpenId;
let provider: ReturnType<typeof listen>;
let proxy: ProxyProcess;
let clientId: string;

before(async () => {
  openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "user-1", preferred_username: "ada", email: "ada@example.com", email_verified: true };
  provider = listen(openId);
  openId.moveTo(provider.url);
  const login = (name: string, ownHost: string) => `
[downstream.${name}]
display_name = "Wiki"
strategy = "login"
provider = "company"
host = "${ownHost}"
path = "/mcp"
allow_everyone = true
`;
  proxy = await startProxy({
    publicUrl: "https://mcp.example.com",
    server: `allowed_origins = ["https://app.example.com"]`,
    toml: `
[provider.company]
kind = "oidc"
issuer = "${provider.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"
${login("wiki", host)}
${login("other", "other-mcp.example.com")}
`,
  });
  const registered = await send("/register", { body: { redirect_uris: [redirectUri] }, type: "application/json" });
  assert.equal(registered.status, 201);
  clientId = registered.json().client_id!;
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

/** To our own host unless said otherwise. */
const send = (path: string, sent: Sent = {}) => sendTo(proxy.port, path, { host, ...sent });

const pair = (cookies: string[]) => cookies.map((cookie) => cookie.split(";")[0]).join("; ");
const sealedOf = (page: Answer) => /name="request" value="([^"]+)"/.exec(page.text)![1]!;
const authorizeWith = (changes: Record<string, string | undefined> = {}, headers: Record<string, string> = {}) => {
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "the state",
    ...changes,
  };
  const sent = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return send(`/authorize?${new URLSearchParams(sent)}`, { headers });
};

/** Consent given, the browser stands before the provider. */
async function leave() {
  const page = await authorizeWith();
  const away = await send("/authorize", {
    body: { request: sealedOf(page), decision: "allow" },
    headers: { cookie: pair(page.cookies) },
  });
  return { away, cookies: pair([...page.cookies, ...away.cookies]) };
}

/** Back from the provider: path and query of our callback. */
async function comeBack(away: Answer): Promise<string> {
  const answer = await fetch(away.location, { redirect: "manual" });
  await answer.body?.cancel();
  return answer.headers.get("location")!.slice(base.length);
}

async function signIn(): Promise<Answer> {
  const { away, cookies } = await leave();
  return await send(await comeBack(away), { headers: { cookie: cookies } });
}

const redeem = (code: string, changes: Record<string, string | undefined> = {}, to = host) =>
  send("/token", {
    host: to,
    body: Object.fromEntries(
      Object.entries({
        grant_type: "authorization_code",
        client_id: clientId,
        code,
        code_verifier: verifier,
        ...changes,
      })
        .filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  });

test("S2-01, S2-02: a host that is not configured is 421 on API paths; case, default port and trailing dot don't count", async () => {
  for (const path of ["/authorize", "/token", "/register", "/mcp", "/.well-known/oauth-protected-resource"]) {
    const answer = await send(path, { host: "evil.example.com", ...(/token|register/.test(path) ? { body: {} } : {}) });
    assert.deepEqual([answer.status, answer.text], [421, "Host not allowed\n"], path);
  }
  for (const spelling of ["WIKI-mcp.Example.com", `${host}:443`, `${host}.`]) {
    assert.equal((await send("/.well-known/oauth-protected-resource", { host: spelling })).status, 200, spelling);
  }
  const forged = { "x-forwarded-host": host };
  assert.equal((await send("/authorize", { host: "evil.example.com", headers: forged })).status, 421);
});

test("S2-01: /authenticate answers 403 there, because nginx turns anything else into a 500", async () => {
  assert.equal((await send("/authenticate", { host: "evil.example.com" })).status, 403);
});

test("S2-10: the protected resource document, at the root and with the MCP path as suffix", async () => {
  for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]) {
    const document = (await send(path)).json<Record<string, unknown>>();
    assert.deepEqual([document.resource, document.authorization_servers], [`${base}/mcp`, [base]]);
  }
  assert.equal((await send("/.well-known/oauth-protected-resource/other")).status, 421);
});

test("S1-05, D3, S2-11, S2-12: the authorization server's metadata under its own host, in both forms", async () => {
  for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]) {
    const metadata = (await send(path)).json<Record<string, unknown>>();
    assert.deepEqual(
      [metadata.issuer, metadata.authorization_endpoint, metadata.token_endpoint, metadata.registration_endpoint],
      [base, `${base}/authorize`, `${base}/token`, `${base}/register`],
    );
    assert.deepEqual(metadata.grant_types_supported, ["authorization_code", "refresh_token"]);
    assert.deepEqual(metadata.response_modes_supported, ["query"]);
    assert.deepEqual(metadata.scopes_supported, ["mcp-oauth2-proxy"]);
  }
});

test("S2-05, S2-06: CORS of the MCP endpoint is for the configured origins only, never with credentials", async () => {
  const from = (origin: string, method = "GET") =>
    send("/mcp", { method, headers: { origin, "access-control-request-method": "POST" } });
  const stranger = await from("https://evil.example");
  assert.equal(stranger.status, 403);
  assert.equal(stranger.headers["access-control-allow-origin"], undefined);
  const friend = await from("https://app.example.com");
  assert.equal(friend.headers["access-control-allow-origin"], "https://app.example.com");
  assert.match(String(friend.headers.vary), /origin/i);
  assert.equal(friend.headers["access-control-allow-credentials"], undefined);
  assert.match(String(friend.headers["access-control-expose-headers"]), /WWW-Authenticate/i);
  assert.equal((await from("https://app.example.com", "OPTIONS")).status, 204);
  assert.equal(
    (await send("/authenticate", { headers: { origin: "https://app.example.com" } }))
      .headers["access-control-allow-origin"],
    undefined,
  );
});

for (
  const changes of [{ client_id: undefined }, { client_id: "unknown" }, { redirect_uri: undefined }, {
    redirect_uri: "https://evil.example/cb",
  }]
) {
  test(`S2-20, S2-33: authorize with ${JSON.stringify(changes)} is a 400 page and no redirect`, async () => {
    const answer = await authorizeWith(changes);
    assert.deepEqual([answer.status, answer.headers.location], [400, undefined]);
  });
}

for (
  const [changes, error] of [
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ code_challenge: undefined }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ resource: "https://other-mcp.example.com/mcp" }, "invalid_target"],
  ] as const
) {
  test(`S2-20, S2-21, S2-22, S2-33: authorize with ${JSON.stringify(changes)} goes back to the client as ${error}`, async () => {
    const { status, location } = await authorizeWith(changes);
    assert.equal(status, 303);
    assert.equal(location.origin + location.pathname, redirectUri);
    const { searchParams } = location;
    assert.deepEqual([searchParams.get("error"), searchParams.get("state"), searchParams.get("iss")], [
      error,
      "the state",
      base,
    ]);
  });
}

test("S2-23: after consent the browser goes to the provider with our client, callback, PKCE, state and scopes", async () => {
  const { away } = await leave();
  assert.equal(away.status, 303);
  const query = away.location.searchParams;
  assert.deepEqual(
    [query.get("response_type"), query.get("client_id"), query.get("redirect_uri"), query.get("code_challenge_method")],
    ["code", openId.clientId, `${base}/callback`, "S256"],
  );
  assert.match(query.get("code_challenge")!, /^[\w-]{43}$/);
  assert.notEqual(query.get("code_challenge"), challenge);
  assert.match(query.get("scope")!, /openid/);
  assert.notEqual(query.get("state"), "the state");
});

test("S2-34: one __Host- cookie per flow: HttpOnly, Secure, Lax, as long as the flow, cleared after use", async () => {
  const { away, cookies } = await leave();
  const state = away.location.searchParams.get("state");
  const flow = away.cookies.find((cookie) => cookie.includes(String(state)))!;
  assert.match(flow, /^__Host-/);
  for (const attribute of ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=600"]) {
    assert.ok(flow.includes(attribute), attribute);
  }
  const back = await send(await comeBack(away), { headers: { cookie: cookies } });
  assert.ok(back.cookies.some((cookie) => cookie.includes(String(state)) && cookie.includes("Max-Age=0")));
});

test("S2-34, S2-35: a callback without the cookie, a second time, or on another host is a 400 page and no redirect", async () => {
  const { away, cookies } = await leave();
  const path = await comeBack(away);
  const refused = [await send(path), await send(path, { host: "other-mcp.example.com", headers: { cookie: cookies } })];
  assert.equal((await send(path, { headers: { cookie: cookies } })).status, 303);
  refused.push(await send(path, { headers: { cookie: cookies } }));
  refused.push(await send(`/callback?code=x&state=${"A".repeat(22)}`, { headers: { cookie: cookies } }));
  for (const answer of refused) {
    assert.deepEqual([answer.status, answer.headers.location], [400, undefined]);
    assert.match(answer.text, /Session expired/);
  }
});

test("S2-37: success is a 303 to the client with code, its own state and iss", async () => {
  const { status, location } = await signIn();
  assert.equal(status, 303);
  assert.deepEqual([...location.searchParams.keys()], ["code", "state", "iss"]);
  assert.equal(location.searchParams.get("state"), "the state");
});

test("S2-42, S2-43: a code is redeemed once, at its own host, by grant_type authorization_code, with no-store", async () => {
  const code = (await signIn()).location.searchParams.get("code")!;
  assert.equal((await redeem(code, { grant_type: undefined })).json().error, "invalid_request");
  assert.equal((await redeem(code, {}, "other-mcp.example.com")).json().error, "invalid_grant");
  assert.equal((await redeem(code, { code_verifier: "w".repeat(43) })).json().error, "invalid_grant");
  const first = await redeem(code);
  assert.deepEqual([first.status, first.headers["cache-control"]], [200, "no-store"]);
  const { token_type, expires_in, scope } = first.json<Record<string, unknown>>();
  assert.deepEqual([token_type, expires_in, scope], ["Bearer", 3600, "mcp-oauth2-proxy"]);
  assert.equal((await redeem(code)).json().error, "invalid_grant");
  assert.equal((await send(`/token?grant_type=authorization_code&code=${code}`)).status, 405);
});

test("S2-45, S2-46: the JWT is RFC 9068's, for this host's resource, and does not work on another host", async () => {
  const code = (await signIn()).location.searchParams.get("code")!;
  const token = (await redeem(code)).json().access_token!;
  const header = decodeProtectedHeader(token);
  assert.deepEqual([header.alg, header.typ], ["ES256", "at+jwt"]);
  const { keys } = (await send("/openid/v1/jwks")).json<{ keys: { kid: string }[] }>();
  assert.ok(keys.some(({ kid }) => kid === header.kid));
  const claims = decodeJwt<Record<string, unknown>>(token);
  assert.equal(claims.iss, base);
  assert.deepEqual(claims.aud, [`${base}/mcp`, base]);
  const lives = Number(claims.exp) - Number(claims.iat);
  assert.ok(lives <= 3600 && lives > 3590, `${lives} s: the end was set a moment before it was signed`);
  assert.equal(claims.nbf, claims.iat);
  assert.match(String(claims.jti), /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.deepEqual([claims.client_id, claims.scope, claims.scopes], [clientId, "mcp-oauth2-proxy", [
    "mcp-oauth2-proxy",
  ]]);
  assert.deepEqual(claims.groups, []);
  const bearer = { authorization: `Bearer ${token}` };
  assert.equal((await send("/authenticate", { headers: bearer })).status, 200);
  assert.equal((await send("/authenticate", { host: "other-mcp.example.com", headers: bearer })).status, 401);
});

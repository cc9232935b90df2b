import assert from "node:assert/strict";
import { test } from "node:test";
import { secret } from "../../lib/config/secrets.ts";
import { resourceUrls } from "../../lib/urls.ts";
import { ada, type AuthenticateSetup, authenticateSetup } from "../support/authenticate_setup.ts";
import { now, testResource } from "../support/mcp_proxy.ts";
import { loginConfig } from "../support/tool_scopes.ts";

const { toolScopes: _, ...withoutTools } = loginConfig;
const login = { strategy: { ...withoutTools } };
const metadata = 'resource_metadata="https://proxy.example.com/.well-known/oauth-protected-resource/mcp/fake"';

async function bearer(setup: AuthenticateSetup, changes: Parameters<AuthenticateSetup["token"]>[0] = {}) {
  return { authorization: `Bearer ${await setup.token(changes)}` };
}

test("S2-49: a valid token is 200 with an empty body that nobody may keep", async () => {
  const setup = authenticateSetup(login);
  const answer = await setup.ask(await bearer(setup));
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "");
  assert.match(answer.headers.get("cache-control")!, /no-store/);
});

test("S2-49: what is no valid token for this resource is 401", async () => {
  const setup = authenticateSetup(login);
  const token = await setup.token();
  const other = testResource({
    ...login,
    urls: resourceUrls({ by: "path", publicUrl: "https://proxy.example.com", name: "other" }),
  });
  const elsewhere = testResource({
    ...login,
    urls: resourceUrls({ by: "path", publicUrl: "https://other.example.com", name: "fake" }),
  });
  const [head, payload, signature] = token.split(".");
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${payload}.`;
  const refused = {
    missing: "",
    "without the word Bearer (seed 2 took it)": token,
    "of another scheme": `Basic ${token}`,
    garbage: "Bearer garbage",
    "with another payload": `Bearer ${head}.${Buffer.from("{}").toString("base64url")}.${signature}`,
    "with another signature": `Bearer ${head}.${payload}.${signature!.replace(/^./, (c) => c === "A" ? "B" : "A")}`,
    unsigned: `Bearer ${unsigned}`,
    "for another resource": `Bearer ${await setup.token({ resource: other })}`,
    "of another issuer": `Bearer ${await setup.token({ resource: elsewhere })}`,
    expired: `Bearer ${await setup.token({ expiresAt: now })}`,
    "sent twice": `Bearer ${token}, Bearer ${token}`,
  };
  for (const [what, authorization] of Object.entries(refused)) {
    assert.equal((await setup.ask({ authorization })).status, 401, what);
  }
  assert.equal((await setup.ask({})).status, 401);
});

test("S2-51: Bearer is required in any case, and the challenge says where to get a token and why this one is none", async () => {
  const setup = authenticateSetup({ ...login, scopes: ["wiki"] });
  const token = await setup.token();
  assert.equal((await setup.ask({ authorization: `bEARER ${token}` })).status, 200);
  const challenge = async (headers: Record<string, string>) =>
    (await setup.ask(headers)).headers.get("www-authenticate");
  assert.equal(await challenge({}), `Bearer scope="wiki", ${metadata}`);
  assert.match((await challenge({ authorization: "Bearer x" }))!, /^Bearer error="invalid_token", error_description=/);
});

test("S2-50: 200 says who it is: token, stable id, name, mail, groups and scopes, each readable back", async () => {
  const setup = authenticateSetup(login);
  const token = await setup.token({ scope: ["a", "b"] });
  const { headers } = await setup.ask({ authorization: `Bearer ${token}` });
  const identity = [...headers].filter(([name]) => name.startsWith("x-auth-request-"));
  assert.deepEqual(Object.fromEntries(identity), {
    "x-auth-request-access-token": token,
    "x-auth-request-user": "id-of-ada",
    "x-auth-request-preferred-username": "Ada",
    "x-auth-request-email": "ada@example.com",
    "x-auth-request-groups": "a%2Cb,gr%C3%B6%C3%9Fe",
    "x-auth-request-scopes": "a b",
  });
  assert.equal(headers.get("authorization"), `Bearer ${token}`);
});

test("GHSA-c5c4-8r6x-56w3: an address with several @ or with line breaks stays one value and grows no header", async () => {
  const setup = authenticateSetup(login);
  const identity = { subject: "x\r\nx-auth-request-groups: admin", email: "a@evil.example@example.com", groups: [] };
  const { status, headers } = await setup.ask(await bearer(setup, { identity }));
  assert.equal(status, 200);
  assert.equal(headers.get("x-auth-request-user"), "x%0D%0Ax-auth-request-groups: admin");
  assert.equal(headers.get("x-auth-request-email"), "a@evil.example@example.com");
  assert.equal(headers.get("x-auth-request-groups"), "");
});

test("the pasted key goes to trusted proxies of a downstream with forward_auth, and to nobody else", async () => {
  const open = authenticateSetup({ forwardAuth: true });
  const headers = await bearer(open);
  assert.equal((await open.ask(headers)).headers.get("authorization"), "Bearer the-key");
  const stranger = await open.ask(headers, { isTrusted: false });
  assert.deepEqual([stranger.status, stranger.headers.get("authorization")], [200, null]);
  const closed = authenticateSetup();
  assert.equal((await closed.ask(await bearer(closed))).headers.get("authorization"), null);
  assert.deepEqual(closed.events.map(({ event, fields }) => [event, fields.remedy]), [
    ["credential_not_handed_out", "write downstream.fake.forward_auth = true"],
  ]);
});

test("a login's configured credential stays with the operator, in whatever header it travels", async () => {
  const strategy = { ...login.strategy, credential: secret("the-api-key") };
  const changes = { strategy, authHeaderFormat: "X-API-Key", forwardAuth: true };
  const setup = authenticateSetup(changes);
  const headers = await bearer(setup);
  const trusted = await setup.ask(headers);
  assert.deepEqual([trusted.headers.get("x-api-key"), trusted.headers.get("authorization")], ["the-api-key", null]);
  const stranger = await setup.ask(headers, { isTrusted: false });
  assert.doesNotMatch(JSON.stringify([...stranger.headers]), /the-api-key/);
});

const modern = (method: string, name?: string) => ({
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": method,
  ...(name === undefined ? {} : { "mcp-name": name }),
});

test("S2-52: with the headers of 2026-07-28 each call is checked, and what touches no tool passes", async () => {
  const setup = authenticateSetup({ strategy: loginConfig });
  const user = await bearer(setup, { scope: ["wiki:read"] });
  const status = async (headers: Record<string, string>) => (await setup.ask({ ...user, ...headers })).status;
  assert.equal(await status(modern("tools/list")), 200);
  assert.equal(await status(modern("server/discover")), 200);
  assert.equal(await status(modern("tools/call", "search")), 200);
  assert.equal(await status(modern("tools/call", "=?base64?c2VhcmNo?=")), 200);
  assert.equal(await status(modern("tools/call", "put_page")), 403);
  const refused = await setup.ask({ ...user, ...modern("tools/call", "put_page") });
  assert.equal(
    refused.headers.get("www-authenticate"),
    `Bearer error="insufficient_scope", error_description="this tool needs another scope", scope="wiki:write", ${metadata}`,
  );
});

test("S2-52: headers that leave anything open are refused", async () => {
  const setup = authenticateSetup({ strategy: loginConfig });
  const user = await bearer(setup, { scope: ["wiki:read"] });
  const open: Record<string, string>[] = [
    modern("tools/call"),
    modern("tools/call", "search, put_page"),
    modern("tools/call, tools/list", "search"),
    modern("tools/run", "search"),
    modern("", "search"),
    modern("=?base64?dG9vbHMvbGlzdA==?="),
    { ...modern("tools/list"), "mcp-protocol-version": "2025-11-25" },
    { ...modern("tools/list"), "mcp-protocol-version": "2027-01-01" },
    { ...modern("tools/list"), "mcp-protocol-version": "zzz" },
    { "mcp-protocol-version": "2026-07-28" },
    { "mcp-method": "tools/list" },
  ];
  for (const headers of open) {
    assert.equal((await setup.ask({ ...user, ...headers })).status, 403, JSON.stringify(headers));
  }
});

test("S2-52: a client of an older revision needs all scopes that the operator named, and learns which it lacks", async () => {
  const setup = authenticateSetup({ strategy: loginConfig });
  const all = { scope: ["wiki:read", "wiki:write"] };
  assert.equal((await setup.ask(await bearer(setup, all))).status, 200);
  const refused = await setup.ask(await bearer(setup, { scope: ["wiki:read"] }));
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get("www-authenticate")!, /error="insufficient_scope".*scope="wiki:write"/);
});

test("GHSA-vjrc-mh2v-45x6 (CVE-2025-64484): a header that decides has no second spelling with underscores", async () => {
  const setup = authenticateSetup({ strategy: loginConfig });
  const user = await bearer(setup, { scope: ["wiki:read"] });
  const call = modern("tools/call", "search");
  for (const twin of ["mcp_name", "Mcp_Method", "MCP-Protocol_Version", "mcp_protocol_version"]) {
    assert.equal((await setup.ask({ ...user, ...call, [twin]: "put_page" })).status, 403, twin);
  }
  assert.equal((await setup.ask({ ...user, ...call, other_header: "x" })).status, 200);
});

test("GHSA-5hvv-m4w4-gf6v, GHSA-7x63-xv5r-3p2x, GHSA-pxq7-h93f-9jrg: no user agent, path, method or fragment opens anything", async () => {
  const setup = authenticateSetup(login);
  const claims: Record<string, string>[] = [
    { "user-agent": "GoogleHC/1.0" },
    { "user-agent": "kube-probe/1.31" },
    { "x-forwarded-uri": "/healthz" },
    { "x-forwarded-uri": "/.well-known/oauth-protected-resource" },
    { "x-original-url": "/healthz#/mcp" },
    { "x-original-uri": "/mcp#/healthz" },
    { "x-forwarded-method": "OPTIONS" },
    { "x-original-method": "OPTIONS" },
    { "x-auth-request-user": "ada", "x-auth-request-access-token": "x", "x-forwarded-user": "ada" },
    { cookie: "_oauth2_proxy=x; session=y" },
  ];
  for (const headers of claims) assert.equal((await setup.ask(headers)).status, 401, JSON.stringify(headers));
});

test("GHSA-f24x-5g9q-753f: nothing but the token of this very request says who it is", async () => {
  const setup = authenticateSetup(login);
  const first = await setup.ask(await bearer(setup));
  assert.equal(first.headers.get("set-cookie"), null);
  const second = await setup.ask(await bearer(setup, { identity: { ...ada, subject: "id-of-bob" } }));
  assert.equal(second.headers.get("x-auth-request-user"), "id-of-bob");
});

test("S2-01: an unknown host, and trouble of our own, are 403: nginx turns any other status into 500", async () => {
  const setup = authenticateSetup({
    strategy: { ...login.strategy, scopesUrl: "http://127.0.0.1:1/mcp" },
  });
  const answer = await setup.ask(await bearer(setup));
  assert.deepEqual([answer.status, setup.events.at(-1)?.event], [403, "authenticate_failed"]);
  assert.equal((await setup.ask({})).status, 401);
});

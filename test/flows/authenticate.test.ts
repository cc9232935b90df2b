// /authenticate on the wire, as a reverse proxy asks it, without one in between.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stateSecret } from "../support/config_text.ts";
import { challenge, identity, mint, modernCall, server, toml, vault, wiki } from "../support/forward_auth_setup.ts";
import { sendTo } from "../support/host_request.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

let trusting: ProxyProcess;
let strict: ProxyProcess;
const publicUrl = "https://mcp.example.com";

before(async () => {
  trusting = await startProxy({ toml, server, stateSecret, publicUrl });
  // Loopback, which asks here, is none of its reverse proxies.
  strict = await startProxy({ toml, server: `trusted_proxies = ["192.0.2.1"]`, stateSecret, publicUrl });
});
after(async () => {
  await trusting?.[Symbol.asyncDispose]();
  await strict?.[Symbol.asyncDispose]();
});

const ask = (proxy: ProxyProcess, host: string, headers: Record<string, string> = {}, path = "/authenticate") =>
  sendTo(proxy.port, path, { host, headers });
const ada = async (scope = ["wiki:read", "wiki:write"]) => ({
  authorization: `Bearer ${await mint("wiki", { scope, identity })}`,
});
const pasted = async () => ({ authorization: `Bearer ${await mint("vault", { credential: { value: "the-key" } })}` });

test("S2-01: every path of an unknown host is 421, and /authenticate 403, because nginx makes 500 of anything else", async () => {
  for (const host of ["evil.example", "mcp.example.com", `${wiki}:8443`, `${wiki}.evil.example`]) {
    assert.equal((await ask(trusting, host, await ada())).status, 403, host);
    for (const path of ["/token", "/authorize", "/register", "/.well-known/oauth-authorization-server"]) {
      const { status } = await sendTo(trusting.port, path, { host, method: path.startsWith("/.") ? "GET" : "POST" });
      assert.equal(status, 421, `${host} ${path}`);
    }
  }
});

test("S2-02: case and default port of the host don't count", async () => {
  for (const host of [wiki.toUpperCase(), `${wiki}:443`, `${wiki}.`]) {
    assert.equal((await ask(trusting, host, await ada())).status, 200, host);
  }
});

test("S2-02: X-Forwarded-Host counts from a trusted proxy whose own Host says nothing, and from nobody else", async () => {
  const headers = await ada();
  const forwarded = { "x-forwarded-host": wiki, "x-forwarded-for": "203.0.113.7" };
  assert.equal((await ask(trusting, "mcp-oauth-proxy:8080", { ...headers, ...forwarded })).status, 200);
  assert.equal(
    (await ask(trusting, "mcp-oauth-proxy:8080", { ...headers, forwarded: `for=203.0.113.7;host=${wiki}` })).status,
    200,
  );
  assert.equal((await ask(strict, "mcp-oauth-proxy:8080", { ...headers, ...forwarded })).status, 403);
  // A client that passes a careless proxy can't choose whose rules its token is checked by.
  assert.equal((await ask(trusting, vault, { ...headers, ...forwarded })).status, 401);
  const smuggled = { forwarded: `for=203.0.113.7;host=${wiki}`, "x-forwarded-for": "203.0.113.7" };
  assert.equal((await ask(trusting, "mcp-oauth-proxy:8080", { ...headers, ...smuggled })).status, 403);
});

test("S2-49: 200 for a valid token, by any method; 401 for none, a bad one, or one for another host", async () => {
  for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, text } = await sendTo(trusting.port, "/authenticate", { host: wiki, method, headers: await ada() });
    assert.deepEqual([status, text], [200, ""], method);
    assert.equal((await sendTo(trusting.port, "/authenticate", { host: wiki, method })).status, 401, method);
  }
  assert.equal((await ask(trusting, vault, await ada())).status, 401);
  assert.equal((await ask(trusting, wiki, { authorization: "Bearer garbage" })).status, 401);
});

test("S2-49: the path in front of which Envoy puts /authenticate is answered too, and no other name's", async () => {
  assert.equal((await ask(trusting, wiki, await ada(), "/authenticate/mcp?x=1")).status, 200);
  assert.equal((await ask(trusting, wiki, {}, "/authenticate/mcp")).status, 401);
  assert.equal((await ask(trusting, wiki, await pasted(), "/authenticate/mcp/vault")).status, 403);
});

test("S2-50: 200 carries the token and who it is", async () => {
  const headers = await ada();
  const answer = await ask(trusting, wiki, headers);
  assert.equal(answer.headers["x-auth-request-access-token"], headers.authorization.replace("Bearer ", ""));
  assert.equal(answer.headers["x-auth-request-user"], "id-of-ada");
  assert.equal(answer.headers["x-auth-request-groups"], "staff");
  assert.equal(answer.headers["x-auth-request-scopes"], "wiki:read wiki:write");
});

test("the key is for the reverse proxies that the operator named; anybody else hears only that the token is good", async () => {
  assert.equal((await ask(trusting, vault, await pasted())).headers.authorization, "Bearer the-key");
  const stranger = await ask(strict, vault, await pasted());
  assert.equal(stranger.status, 200);
  assert.doesNotMatch(JSON.stringify(stranger), /the-key/);
  const pretending = await ask(strict, vault, {
    ...await pasted(),
    "x-forwarded-for": "192.0.2.1",
    "x-real-ip": "192.0.2.1",
  });
  assert.doesNotMatch(JSON.stringify(pretending), /the-key/);
});

test("S2-51: the challenge names the metadata and the scope, and the error where a token was sent", async () => {
  assert.equal(
    (await ask(trusting, wiki)).headers["www-authenticate"],
    challenge(wiki, 'scope="wiki:read wiki:write", '),
  );
  assert.match(
    String((await ask(trusting, wiki, { authorization: "bearer x" })).headers["www-authenticate"]),
    /^Bearer error="invalid_token", error_description="[^"]+", scope="wiki:read wiki:write", resource_metadata="/,
  );
});

test("S2-52: a missing scope is 403 insufficient_scope with the scope to ask for", async () => {
  const reader = await ada(["wiki:read"]);
  assert.equal((await ask(trusting, wiki, { ...reader, ...modernCall("search") })).status, 200);
  const refused = await ask(trusting, wiki, { ...reader, ...modernCall("put_page") });
  assert.equal(refused.status, 403);
  assert.match(String(refused.headers["www-authenticate"]), /error="insufficient_scope".*scope="wiki:write"/);
});

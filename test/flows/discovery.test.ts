// What the proxy says about itself, in every form that clients try.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const one = `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
scopes = "read offline_access"
`;
const two = one + one.replaceAll("notes", "tasks").replace("Notes", "Tasks");

let single: ProxyProcess;
let double: ProxyProcess;
before(async () => {
  [single, double] = await Promise.all([startProxy({ toml: one }), startProxy({ toml: two })]);
});
after(async () => {
  await single[Symbol.asyncDispose]();
  await double[Symbol.asyncDispose]();
});

const json = async (url: string) => {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return await answer.json() as Record<string, unknown>;
};

test("S1-02: the protected resource document has one canonical resource and its issuer as a string (RFC 9728 §2)", async () => {
  assert.deepEqual(await json(`${double.url}/.well-known/oauth-protected-resource/mcp/tasks`), {
    resource: `${double.url}/mcp/tasks`,
    authorization_servers: [`${double.url}/mcp/tasks`],
    scopes_supported: ["read"],
    bearer_methods_supported: ["header"],
    resource_name: "Tasks",
  });
});

test("S1-04, S1-06: the authorization server's metadata, with PKCE, CIMD and iss flags (RFC 8414 §2, RFC 9207 §3)", async () => {
  const metadata = await json(`${double.url}/.well-known/oauth-authorization-server/mcp/tasks`);
  const at = (endpoint: string) => `${double.url}/${endpoint}/mcp/tasks`;
  assert.equal(metadata.issuer, `${double.url}/mcp/tasks`);
  assert.deepEqual(
    [
      metadata.authorization_endpoint,
      metadata.token_endpoint,
      metadata.registration_endpoint,
      metadata.revocation_endpoint,
    ],
    [at("authorize"), at("token"), at("register"), at("revoke")],
  );
  assert.deepEqual(metadata.response_types_supported, ["code"]);
  assert.deepEqual(metadata.grant_types_supported, ["authorization_code", "refresh_token"]);
  assert.deepEqual(metadata.code_challenge_methods_supported, ["S256"]);
  assert.ok((metadata.token_endpoint_auth_methods_supported as string[]).includes("none"));
  assert.equal(metadata.client_id_metadata_document_supported, true);
  assert.equal(metadata.authorization_response_iss_parameter_supported, true);
});

test("S1-04, S2-12: both OpenID forms hold the same issuer and what OpenID clients need", async () => {
  for (const path of ["/.well-known/openid-configuration/mcp/tasks", "/mcp/tasks/.well-known/openid-configuration"]) {
    const metadata = await json(double.url + path);
    assert.equal(metadata.issuer, `${double.url}/mcp/tasks`);
    assert.ok(metadata.authorization_endpoint && metadata.token_endpoint && metadata.jwks_uri);
    assert.deepEqual(metadata.response_types_supported, ["code"]);
    assert.deepEqual(metadata.subject_types_supported, ["public"]);
    assert.deepEqual(metadata.code_challenge_methods_supported, ["S256"]);
  }
});

test("every endpoint that the metadata names exists (metadata advertises only what exists)", async () => {
  const metadata = await json(`${double.url}/.well-known/openid-configuration/mcp/tasks`);
  for (const [name, url] of Object.entries(metadata)) {
    if (!/_(endpoint|uri)$/.test(name)) continue;
    const answer = await fetch(String(url), {
      method: name === "jwks_uri" || name === "authorization_endpoint" ? "GET" : "POST",
    });
    assert.ok(![404, 405].includes(answer.status), `${name}: ${answer.status}`);
  }
});

test("with exactly one downstream the root forms answer for it, with the same resource and issuer", async () => {
  const resource = await json(`${single.url}/.well-known/oauth-protected-resource`);
  assert.equal(resource.resource, `${single.url}/mcp/notes`);
  for (const document of ["oauth-authorization-server", "openid-configuration"]) {
    assert.equal((await json(`${single.url}/.well-known/${document}`)).issuer, `${single.url}/mcp/notes`);
  }
  assert.equal((await fetch(`${single.url}/authorize`)).status, 400);
});

test("with two downstreams the root forms are unknown", async () => {
  for (const document of ["oauth-protected-resource", "oauth-authorization-server", "openid-configuration"]) {
    assert.equal((await fetch(`${double.url}/.well-known/${document}`)).status, 404);
  }
});

test("S2-13: the JWKS is a non-empty array from the first moment, at both addresses", async () => {
  for (const path of ["/.well-known/jwks.json", "/openid/v1/jwks"]) {
    const { keys } = await json(single.url + path) as { keys: unknown[] };
    assert.ok(keys.length >= 2);
  }
});

test("browsers may read discovery, registration and tokens from any origin, without credentials; documents are cacheable", async () => {
  const answer = await fetch(`${double.url}/.well-known/oauth-protected-resource/mcp/tasks`, {
    headers: { origin: "https://inspector.example" },
  });
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.equal(answer.headers.get("access-control-allow-credentials"), null);
  assert.match(answer.headers.get("cache-control")!, /max-age=\d+/);
  for (const endpoint of ["token", "register", "revoke"]) {
    const preflight = await fetch(`${double.url}/${endpoint}/mcp/tasks`, {
      method: "OPTIONS",
      headers: { origin: "https://inspector.example" },
    });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers.get("access-control-allow-methods")!, /POST/);
  }
  assert.equal((await fetch(`${double.url}/authorize/mcp/tasks`)).headers.get("access-control-allow-origin"), null);
});

test("S2-09: a wrong method is 405 with Allow; GET never redeems anything", async () => {
  for (
    const [path, method, allow] of [["/token/mcp/tasks", "GET", "POST, OPTIONS"], [
      "/authorize/mcp/tasks",
      "PUT",
      "GET, HEAD, POST",
    ]] as const
  ) {
    const answer = await fetch(double.url + path, { method });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, allow]);
  }
});

test("S1-01, S2-03: /health says OK as text, /healthz and /readyz are 200 and empty", async () => {
  const health = await fetch(`${single.url}/health`);
  assert.deepEqual([health.status, await health.text()], [200, "OK"]);
  assert.match(health.headers.get("content-type")!, /^text\/plain/);
  for (const path of ["/healthz", "/readyz"]) {
    const answer = await fetch(single.url + path);
    assert.deepEqual([answer.status, await answer.text()], [200, ""]);
  }
});

test("GET / lists the servers with the URL to paste, unless public_index is off", async () => {
  const html = await (await fetch(`${double.url}/`)).text();
  assert.match(html, new RegExp(`${double.url}/mcp/tasks`));
  await using closed = await startProxy({ toml: one, server: "public_index = false" });
  for (const path of ["/", "/?server=notes"]) {
    const page = await fetch(closed.url + path);
    assert.doesNotMatch(await page.text(), /mcp\/notes/);
    assert.doesNotMatch(page.headers.get("content-security-policy")!, /script-src/);
  }
});

// Too many requests are 429 with the time to wait, for the one who sent them and for nobody else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestClient, testClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";

const toml = (limits: string) => `
[rate_limit]
${limits}
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`;

/** A JSON refusal that says how long to wait, in the header and in words. */
async function assertTooMany(answer: Response): Promise<void> {
  assert.equal(answer.status, 429);
  const seconds = Number(answer.headers.get("retry-after"));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, `Retry-After: ${seconds}`);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const { error, error_description } = await answer.json() as Record<string, string>;
  assert.equal(error, "temporarily_unavailable");
  assert.match(error_description!, new RegExp(`try again in ${seconds} s`));
}

test("rate_limit.per_address: the fourth request of one address in a minute is 429 at that endpoint; other addresses and endpoints go on", async () => {
  await using proxy = await startProxy({
    server: 'trusted_proxies = ["127.0.0.1/32"]',
    toml: toml("per_address = 3\nper_client = 0"),
  });
  const token = (address: string) =>
    fetch(`${proxy.url}/token/mcp/notes`, {
      method: "POST",
      headers: { "x-forwarded-for": address },
      body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x", client_id: "nobody" }),
    });
  for (let request = 1; request <= 3; request++) assert.equal((await token("192.0.2.1")).status, 401);
  await assertTooMany(await token("192.0.2.1"));
  assert.equal((await token("192.0.2.2")).status, 401);
  // An address of IPv6 is a network: a host has as many as it likes.
  for (let request = 1; request <= 3; request++) assert.equal((await token(`2001:db8::${request}`)).status, 401);
  await assertTooMany(await token("2001:db8::4"));

  const elsewhere = (path: string, init: RequestInit = {}) =>
    fetch(proxy.url + path, { ...init, headers: { "x-forwarded-for": "192.0.2.1" } });
  assert.equal((await elsewhere("/register/mcp/notes", { method: "POST", body: "{}" })).status, 400);
  for (let request = 1; request <= 10; request++) {
    assert.equal((await elsewhere("/.well-known/oauth-protected-resource/mcp/notes")).status, 200);
    assert.equal((await elsewhere("/mcp/notes", { method: "POST", body: "{}" })).status, 401);
    assert.equal((await elsewhere("/healthz")).status, 200);
  }
});

test("rate_limit.per_address: at /authorize the refusal is a page with Retry-After", async () => {
  await using proxy = await startProxy({ toml: toml("per_address = 1\nper_client = 0") });
  const client = await createTestClient(proxy.url, "notes");
  assert.equal((await client.authorize()).status, 200);
  const refused = await client.authorize();
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get("retry-after")!, /^[1-9]\d?$/);
  assert.match(refused.headers.get("content-type")!, /^text\/html/);
  assert.match(refused.html, /Too many requests; try again in \d+ s/);
});

test("rate_limit.per_client: one client is refused, another goes on", async () => {
  await using proxy = await startProxy({ toml: toml("per_address = 0\nper_client = 3") });
  const client = await createTestClient(proxy.url, "notes");
  const other = await createTestClient(proxy.url, "notes", { client_name: "Other" });
  const { refresh_token } = await client.signIn(); // /authorize and /token: two of three
  assert.equal((await client.refresh(refresh_token!)).status, 200);
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: refresh_token!,
    client_id: client.clientId,
  });
  await assertTooMany(await fetch(`${proxy.url}/token/mcp/notes`, { method: "POST", body }));
  assert.ok((await other.signIn()).access_token);
});

test("rate_limit: whoever can't prove to be a confidential client does not use up its requests", async () => {
  await using proxy = await startProxy({
    toml: `
[client.agent]
name = "Agent"
redirect_uris = ["http://127.0.0.1:33418/callback"]
client_secret = "the-secret-of-the-agent"
${toml("per_address = 0\nper_client = 2")}`,
  });
  const agent = testClient(proxy.url, "notes", "agent");
  for (let request = 1; request <= 5; request++) {
    const refused = await agent.token({
      grant_type: "refresh_token",
      refresh_token: "x",
      client_id: "agent",
      client_secret: "guess",
    });
    assert.deepEqual([refused.status, refused.body.error], [401, "invalid_client"]);
  }
  const code = await agent.code("the-key");
  assert.equal((await agent.redeem(code, { client_secret: "the-secret-of-the-agent" })).status, 200);
});

test("rate_limit.per_client: a stranger who uses a public client's name at another address locks nobody out", async () => {
  await using proxy = await startProxy({
    server: 'trusted_proxies = ["127.0.0.1/32"]',
    toml: toml("per_address = 0\nper_client = 3"),
  });
  const client = await createTestClient(proxy.url, "notes");
  const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x", client_id: client.clientId });
  const stranger = () =>
    fetch(`${proxy.url}/token/mcp/notes`, { method: "POST", headers: { "x-forwarded-for": "192.0.2.1" }, body });
  for (let request = 1; request <= 3; request++) assert.equal((await stranger()).status, 400);
  await assertTooMany(await stranger());
  assert.ok((await client.signIn()).access_token);
});

test("rate_limit: 0 is off", async () => {
  await using proxy = await startProxy({ toml: toml("per_address = 0\nper_client = 0") });
  const client = await createTestClient(proxy.url, "notes");
  for (let request = 1; request <= 20; request++) assert.equal((await client.authorize()).status, 200);
});

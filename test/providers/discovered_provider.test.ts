// The provider of an OAuth-protected MCP server, found from nothing but downstream_url.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { chainedSetup, durableStore } from "../support/chained_setup.ts";
import { discovering, stopDiscovering } from "../support/discovering.ts";
import type { FakeProviderOptions } from "../support/fake_provider.ts";
import type { ProtectedMcpOptions } from "../support/protected_mcp_server.ts";

afterEach(stopDiscovering);

test("nothing but downstream_url: challenge, metadata, registration, PKCE, resource, tokens", async () => {
  const { provider, mcp, setup } = await discovering();
  const grant = await setup.signIn();
  assert.deepEqual(mcp.discoveries, ["/.well-known/oauth-protected-resource/mcp"]);
  assert.equal(provider.authorizations[0]!.get("resource"), mcp.url);
  assert.equal(provider.authorizations[0]!.get("code_challenge_method"), "S256");
  assert.equal(provider.tokenRequests[0]!.form.resource, mcp.url);
  assert.ok(provider.live.has(grant.credential!.value));
  assert.deepEqual(provider.registrations, [{
    client_name: "mcp-oauth-proxy for Files",
    redirect_uris: [setup.resource.urls.callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_basic",
    application_type: "native",
  }]);
});

test("discovery and registration happen once, and again after an hour the former", async () => {
  const { provider, mcp, setup } = await discovering();
  for (let i = 0; i < 3; i++) await setup.signIn();
  assert.equal(mcp.tokens.length, 1);
  assert.equal(provider.registrations.length, 1);
  setup.clock.now += 3601;
  await setup.signIn();
  assert.equal(mcp.tokens.length, 2);
  assert.equal(provider.registrations.length, 1);
});

for (
  const [method, methods] of [
    ["client_secret_basic", undefined],
    ["client_secret_post", ["private_key_jwt", "client_secret_post", "none"]],
    ["none", ["none"]],
  ] as const
) {
  test(`registers as ${method} where the provider takes ${methods?.join(", ") ?? "what it does not say"}`, async () => {
    const { setup, provider } = await discovering({
      provider: { metadata: (document) => ({ ...document, token_endpoint_auth_methods_supported: methods }) },
    });
    const { credential } = await setup.signIn();
    assert.equal(credential!.registration!.method, method);
    assert.equal(provider.registrations[0]!.token_endpoint_auth_method, method);
  });
}

test("a provider that reads client metadata documents is sent ours, where it can fetch it", async () => {
  const readsDocuments: FakeProviderOptions = {
    registers: false,
    method: "none",
    clientId: "https://proxy.example.com/oauth-client/mcp/files",
    metadata: (document) => ({ ...document, client_id_metadata_document_supported: true }),
  };
  const { setup, provider } = await discovering({
    provider: readsDocuments,
    setup: { publicUrl: "https://proxy.example.com" },
  });
  const { credential } = await setup.signIn();
  assert.equal(provider.registrations.length, 0);
  assert.equal(credential!.registration!.clientId, readsDocuments.clientId);

  const local = await discovering({ provider: { ...readsDocuments, registers: true } });
  await local.setup.begin();
  assert.equal(local.provider.registrations.length, 1, "nobody can fetch a document from http://127.0.0.1");
});

test("a refresh after a restart without a database: the registration travels with the credential", async () => {
  const { provider, mcp, setup } = await discovering({ provider: { rotate: true } });
  const grant = JSON.parse(JSON.stringify(await setup.signIn()));
  const afterRestart = chainedSetup(provider, { downstreamUrl: mcp.url });
  const renewed = await afterRestart.strategy.renew(grant, setup.clock.now);
  assert.ok(provider.live.has(renewed.credential!.value));
  assert.equal(provider.registrations.length, 1);
});

test("a sign-in that began before a restart ends after it, at another replica too", async () => {
  const { provider, mcp, setup } = await discovering();
  const begun = await setup.begin();
  const replica = chainedSetup(provider, { downstreamUrl: mcp.url });
  const { credential } = await replica.finish(begun, await setup.visit(begun.url));
  assert.ok(provider.live.has(credential!.value));
});

test("with a store that lasts, a registration does too", async () => {
  const clock = { now: 1_800_000_000 };
  const store = durableStore(clock);
  const { provider, mcp, setup } = await discovering({ setup: { store, clock } });
  await setup.signIn();
  await chainedSetup(provider, { downstreamUrl: mcp.url, store, clock }).signIn();
  assert.equal(provider.registrations.length, 1);
});

test("a provider that forgot us: the login after the one that got stuck registers anew", async () => {
  const { provider, setup } = await discovering();
  await setup.signIn();
  provider.forgetClients();
  const stuck = await setup.begin();
  await assert.rejects(setup.visit(stuck.url), /kept the browser/);
  await setup.signIn();
  assert.equal(provider.registrations.length, 2);
});

test("a refresh by a client that the provider forgot asks for a new sign-in, which works", async () => {
  const { provider, setup } = await discovering();
  const grant = await setup.signIn();
  provider.forgetClients();
  await assert.rejects(
    setup.strategy.renew(grant, setup.clock.now),
    (error) => error instanceof OAuthError && error.code === "invalid_grant",
  );
  assert.ok(provider.live.has((await setup.signIn()).credential!.value));
});

test("an MCP server that moved to another provider: after a refusal its users sign in there (authorization server binding)", async () => {
  const { provider: next } = await discovering();
  const home: { issuer?: string } = {};
  const { provider, setup } = await discovering({
    mcp: { metadata: (own) => home.issuer === undefined ? own : { ...own, authorization_servers: [home.issuer] } },
  });
  const grant = await setup.signIn();
  home.issuer = next.url;
  assert.ok((await setup.strategy.renew(grant, setup.clock.now)).credential, "nothing was refused yet");
  const use = { grantId: grant.id, credential: grant.credential!.value };
  await setup.strategy.replace!(use, use.credential, setup.clock.now);
  await assert.rejects(
    setup.strategy.renew(grant, setup.clock.now),
    (error) => error instanceof OAuthError && error.code === "invalid_grant",
  );
  const moved = await setup.signIn();
  assert.equal(moved.credential!.registration!.issuer, next.url);
  assert.deepEqual([provider.registrations.length, next.registrations.length], [1, 1]);
  assert.ok((await setup.strategy.renew(moved, setup.clock.now)).credential);
});

for (
  const [what, options, expected] of [
    ["the challenge", { challengedScope: "files:read" }, "files:read"],
    ["scopes_supported", { metadata: (own: object) => ({ ...own, scopes_supported: ["a", "b"] }) }, "a b"],
    ["nothing", {}, null],
  ] as [string, ProtectedMcpOptions, string | null][]
) {
  test(`scope selection: by ${what}`, async () => {
    const { setup } = await discovering({ mcp: options });
    assert.equal(new URL((await setup.begin()).url).searchParams.get("scope"), expected);
  });
}

test("scope selection: what a client asks for comes on top, habits that nobody knows do not, offline_access where offered", async () => {
  const { setup } = await discovering({
    mcp: { challengedScope: "files:read" },
    provider: { metadata: (document) => ({ ...document, scopes_supported: ["files:read", "offline_access"] }) },
  });
  const { url } = await setup.begin(["files:write", "openid", "claudeai"]);
  assert.equal(new URL(url).searchParams.get("scope"), "files:read files:write offline_access");
  assert.equal(new URL(url).searchParams.get("prompt"), "consent");
  assert.deepEqual((await setup.signIn(["files:write"])).scope, ["files:read", "files:write", "offline_access"]);
});

test("metadata at the root is found after the place with the path", async () => {
  const root = await discovering({ mcp: { metadataAt: "/.well-known/oauth-protected-resource" } });
  assert.ok((await root.setup.signIn()).credential);
  assert.deepEqual(root.mcp.discoveries, [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource",
  ]);
});

test("no protected resource metadata at all: the server's own origin is the issuer, as MCP 2025-03-26 had it", async () => {
  const { provider } = await discovering();
  const setup = chainedSetup(provider, { downstreamUrl: `${provider.url}/mcp` });
  assert.ok(provider.live.has((await setup.signIn()).credential!.value));
  assert.equal(provider.authorizations[0]!.get("resource"), `${provider.url}/mcp`);
});

test("a downstream with the legacy transport is asked by GET", async () => {
  const { mcp, setup } = await discovering({ mcp: { legacy: true, challengedScope: "x" } });
  assert.equal(new URL((await setup.begin()).url).searchParams.get("scope"), "x");
  assert.deepEqual(mcp.tokens, [undefined]);
});

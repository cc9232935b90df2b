// What a provider that was discovered, and the documents that named it, are not believed.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { discovering, refusalOf, stopDiscovering } from "../support/discovering.ts";
import type { ProtectedMcpOptions } from "../support/protected_mcp_server.ts";

afterEach(stopDiscovering);

test("RFC 9207: an answer without the promised iss, or with another, is refused before the code is used", async () => {
  const { provider, setup } = await discovering({ provider: { sendsIssuer: true } });
  const begun = await setup.begin();
  const answer = await setup.visit(begun.url);
  assert.equal(answer.iss, provider.url);
  const { iss: _, ...without } = answer;
  const error = { state: answer.state!, error: "access_denied" };
  for (
    const forged of [without, { ...answer, iss: `${provider.url}/` }, { ...error, iss: "https://honest.example" }]
  ) {
    await assert.rejects(
      setup.finish(begun, forged),
      (error) => error instanceof OAuthError && error.code === "server_error",
    );
  }
  assert.equal(provider.tokenRequests.length, 0);
  assert.ok((await setup.finish(begun, answer)).credential);
});

test("an iss that nobody promised is compared all the same (MCP 2026-07-28)", async () => {
  const { provider, setup } = await discovering();
  const begun = await setup.begin();
  const answer = await setup.visit(begun.url);
  await assert.rejects(setup.finish(begun, { ...answer, iss: "https://other.example" }));
  assert.equal(provider.tokenRequests.length, 0);
});

test("mix-up: a provider of one MCP server can't get the code of another's", async () => {
  const honest = await discovering();
  const evil = await discovering();
  const begun = await evil.setup.begin();
  // The evil provider sends the browser on to the honest one with our client there, and gets its code delivered here.
  const honestBegun = await honest.setup.begin();
  const answer = await honest.setup.visit(honestBegun.url);
  await assert.rejects(evil.setup.finish(begun, { ...answer, iss: honest.provider.url }));
  assert.equal(evil.provider.tokenRequests.length, 0);
});

for (
  const [what, mcp, reason] of [
    [
      "is about another resource",
      { metadata: (own) => ({ ...own, resource: "https://honest.example/mcp" }) },
      /another resource/,
    ],
    ["is about a path beside", { metadata: (own) => ({ ...own, resource: `${own.resource}2` }) }, /another resource/],
    [
      "names no URL",
      { metadata: (own) => ({ ...own, authorization_servers: ["javascript:alert(1)"] }) },
      /not an http/,
    ],
    ["is nowhere", { metadataUrl: "http://127.0.0.1:9/.well-known/nothing" }, /no complete answer/],
  ] as [string, ProtectedMcpOptions, RegExp][]
) {
  test(`protected resource metadata that ${what} is refused`, async () => {
    const code = what === "is nowhere" ? "temporarily_unavailable" : "server_error";
    assert.match(await refusalOf(await discovering({ mcp }), code), reason);
  });
}

for (
  const [what, metadata, reason] of [
    ["names another issuer (RFC 8414 §3.3)", { issuer: "https://honest.example" }, /names another issuer/],
    ["lacks S256", { code_challenge_methods_supported: ["plain"] }, /PKCE/],
    ["says nothing of PKCE", { code_challenge_methods_supported: undefined }, /PKCE/],
    ["has no token endpoint", { token_endpoint: undefined }, /token_endpoint/],
    [
      "has a script as its authorization endpoint",
      { authorization_endpoint: "javascript:alert(1)" },
      /authorization_endpoint/,
    ],
    ["takes no registrations", { registration_endpoint: undefined }, /register one there by hand/],
    [
      "takes only keys at the token endpoint",
      { token_endpoint_auth_methods_supported: ["tls_client_auth"] },
      /can do none/,
    ],
  ] as const
) {
  test(`server metadata that ${what} is refused`, async () => {
    const given = { provider: { metadata: (document: Record<string, unknown>) => ({ ...document, ...metadata }) } };
    assert.match(await refusalOf(await discovering(given), "server_error"), reason);
  });
}

test("a provider that is down is temporarily_unavailable, and discovery is tried again", async () => {
  const given = await discovering();
  const { provider, setup } = given;
  await provider.stop();
  assert.match(await refusalOf(given, "temporarily_unavailable"), /no complete answer/);
  assert.equal(setup.events.filter(({ event }) => event === "provider_not_discovered").length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { checkRequestedRedirectUri } from "../../lib/clients/requested_redirect_uri.ts";
import type { OAuthError } from "../../lib/oauth/errors.ts";
import { clientTools } from "../support/client_tools.ts";

const agent: ClientConfig = {
  clientId: "my-agent",
  name: "My agent",
  redirectUris: ["https://agent.example/cb", "my.agent:/cb"],
  trusted: false,
};

test("a client of the configuration is found by its table's name; clients.redirects has no say in its redirect URIs", async () => {
  const { clients } = clientTools({ redirects: [], preRegistered: [agent] });
  assert.deepEqual(await clients.find("my-agent"), {
    clientId: "my-agent",
    name: "My agent",
    redirectUris: agent.redirectUris,
    refusedRedirects: [],
    source: "pre_registered",
    trusted: false,
    authentication: { method: "none" },
  });
});

test("D9: only a pre-registered client can be trusted to skip consent", async () => {
  const { clients } = clientTools({ preRegistered: [{ ...agent, trusted: true }] });
  assert.equal((await clients.find("my-agent")).trusted, true);
  const { client_id } = await clients.register({
    redirect_uris: ["http://localhost/cb"],
    trusted: true,
    client_name: "My agent",
  });
  assert.equal((await clients.find(client_id as string)).trusted, false);
});

test("how it authenticates follows from what its table holds", async () => {
  const { clients } = clientTools({
    preRegistered: [
      { ...agent, clientId: "a", clientSecret: secret("s3cret") },
      { ...agent, clientId: "b", jwksUri: "https://agent.example/jwks" },
      { ...agent, clientId: "c", jwks: '{"keys":[]}' },
    ],
  });
  const methods = await Promise.all(["a", "b", "c"].map(async (id) => (await clients.find(id)).authentication.method));
  assert.deepEqual(methods, ["client_secret_basic", "private_key_jwt", "private_key_jwt"]);
});

test("a pre-registered client whose id is a URL is never fetched", async () => {
  const clientId = "https://agent.example/client.json";
  const { clients, fetched } = clientTools({
    preRegistered: [{ ...agent, clientId }],
    clientIdMetadataDocuments: false,
  });
  assert.equal((await clients.find(clientId)).source, "pre_registered");
  assert.deepEqual(fetched, []);
});

test("S1-08: a redirect URI that is not in the table is refused, with the line that would add it", async () => {
  const client = await clientTools({ preRegistered: [agent] }).clients.find("my-agent");
  checkRequestedRedirectUri(client, "https://agent.example/cb");
  assert.throws(() => checkRequestedRedirectUri(client, "https://agent.example/cb2"), (error: OAuthError) => {
    assert.equal(error.code, "invalid_request");
    assert.equal(
      error.operatorHint,
      '[client.my-agent]\nredirect_uris = ["https://agent.example/cb2"] # and the URIs that stand there already',
    );
    return true;
  });
});

test("nobody is told to write a URI into the configuration that may not stand there", async () => {
  const client = await clientTools({ preRegistered: [agent] }).clients.find("my-agent");
  for (const uri of ["javascript:alert(1)", "http://evil.example/", "https://agent.example/cb#x"]) {
    assert.throws(() => checkRequestedRedirectUri(client, uri), { operatorHint: undefined });
  }
});

test("S1-08: what a registered client asks for is compared exactly, ports of loopback URIs apart", async () => {
  const { clients } = clientTools();
  const { client_id } = await clients.register({
    redirect_uris: ["https://claude.ai/api/mcp/auth_callback", "http://localhost/callback"],
  });
  const client = await clients.find(client_id as string);
  for (const uri of ["https://claude.ai/api/mcp/auth_callback", "http://localhost:61234/callback"]) {
    checkRequestedRedirectUri(client, uri);
  }
  for (
    const uri of [
      "https://claude.com/api/mcp/auth_callback",
      "http://127.0.0.1:61234/callback",
      "http://localhost:1/other",
      "",
      "x",
    ]
  ) {
    assert.throws(() => checkRequestedRedirectUri(client, uri), { code: "invalid_request", status: 400 }, uri);
  }
});

test("S1-08: a registered URI that the policy no longer allows is refused with the line that would allow it", async () => {
  const { client_id } = await clientTools().clients.register({ redirect_uris: ["https://vscode.dev/redirect"] });
  const client = await clientTools({ redirects: ["claude"] }).clients.find(client_id as string);
  assert.throws(() => checkRequestedRedirectUri(client, "https://vscode.dev/redirect"), {
    code: "invalid_request",
    operatorHint: '[clients]\nredirects = ["claude", "vscode"]',
  });
});

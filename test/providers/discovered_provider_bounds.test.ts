// What an MCP server can make us remember, when it names another provider each time.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import type { ProviderRegistration } from "../../lib/oauth/grant.ts";
import { discoverProvider } from "../../lib/providers/discover_provider.ts";
import { discoveredProvider } from "../../lib/providers/discovered_provider.ts";
import type { ProviderFetch } from "../../lib/providers/provider_fetch.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { resourceUrls } from "../../lib/urls.ts";
import { recordedLog } from "../support/recorded_log.ts";

const downstream = "https://mcp.example.com/mcp";

interface Web {
  fetch: ProviderFetch;
  fetched: string[];
  /** The issuer that the MCP server names from now on. */
  issuer: string;
  registered: Record<string, string>;
}

/** Any host is a provider that registers anybody. @param scopes `scopes_supported` of all documents */
function anyProvider(scopes: readonly string[] = []): Web {
  const web: Web = {
    fetched: [],
    issuer: "https://p0.example.com",
    registered: { client_id: "us" },
    fetch: ({ origin, pathname, href }) => {
      web.fetched.push(href);
      const documents: Record<string, unknown> = {
        "/.well-known/oauth-protected-resource/mcp": {
          resource: downstream,
          authorization_servers: [web.issuer],
          scopes_supported: scopes,
        },
        "/.well-known/oauth-authorization-server": {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          code_challenge_methods_supported: ["S256"],
          scopes_supported: scopes,
        },
        "/register": web.registered,
      };
      const found = documents[pathname];
      const body = JSON.stringify(found ?? { error: "invalid_grant" });
      return Promise.resolve({ status: found === undefined ? 400 : 200, headers: new Headers(), body });
    },
  };
  return web;
}

const unprotected: ProviderFetch = () => Promise.resolve({ status: 401, headers: new Headers(), body: "" });

function sourceFor({ fetch }: Web) {
  const now = () => 1_800_000_000;
  const strategy = {
    kind: "chained_oauth" as const,
    providerScopes: [],
    supportsRefresh: true,
    tokenAccept: "application/json",
  };
  const resource: Resource = {
    name: "files",
    displayName: "Files",
    urls: resourceUrls({ by: "path", publicUrl: "https://proxy.example.com", name: "files" }),
    authHeaderFormat: "Bearer",
    scopes: [],
    rawAccessTokens: false,
    downstreamUrl: downstream,
    strategy,
  };
  return discoveredProvider(resource, strategy, {
    fetch,
    downstreamFetch: unprotected,
    isLocal: false,
    store: createMemoryStore({ now }),
    sealer: createSealer([secret(Buffer.alloc(32, 7).toString("base64"))], now),
    log: recordedLog().log,
    now,
  });
}

test("an MCP server that names another provider each time has the last fifty remembered, and the others are asked again", async () => {
  const web = anyProvider();
  const source = sourceFor(web);
  const registrations: ProviderRegistration[] = [];
  for (let i = 0; i < 60; i++) {
    web.issuer = `https://p${i}.example.com`;
    source.doubt();
    registrations.push((await source.find(1_800_000_000)).registration!);
  }
  const asked = async (registration: ProviderRegistration) => {
    web.fetched = [];
    assert.equal((await source.recall(registration, 1_800_000_000)).issuer, registration.issuer);
    return web.fetched;
  };
  assert.deepEqual(await asked(registrations[59]!), []);
  assert.deepEqual(await asked(registrations[0]!), ["https://p0.example.com/.well-known/oauth-authorization-server"]);
});

test("scopes_supported without an end are taken as far as a request holds them", async () => {
  const web = anyProvider(Array.from({ length: 20_000 }, (_, i) => `scope-${i}`));
  const found = await discoverProvider({ ...web, downstreamFetch: unprotected, isLocal: false }, downstream);
  for (const scopes of [found.advertisedScope!, found.server.scopesSupported]) {
    assert.equal(scopes[0], "scope-0");
    assert.ok(scopes.join(" ").length <= 16_384 && scopes.length > 1_000, `${scopes.length}`);
  }
});

const oversized: Record<string, string>[] = [
  { client_id: "x".repeat(4_097) },
  { client_id: "us", client_secret: "x".repeat(4_097) },
];
for (const registered of oversized) {
  test(`a registration with a ${Object.keys(registered).at(-1)} of 4,097 characters is not kept`, async () => {
    const web = anyProvider();
    web.registered = registered;
    await assert.rejects(
      sourceFor(web).find(1_800_000_000),
      ({ cause }: Error) => /registered us with more than 4096 characters/.test(String(cause)),
    );
  });
}

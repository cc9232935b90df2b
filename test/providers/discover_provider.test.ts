// What an MCP server says of its provider is a stranger's word: where it may lead, and in which order places are asked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { discoverProvider } from "../../lib/providers/discover_provider.ts";
import { isLocalAddress, type ProviderFetch } from "../../lib/providers/provider_fetch.ts";
import { fetchServerMetadata } from "../../lib/providers/server_metadata.ts";

const issuer = "https://auth.example.com/tenant1";
const server = {
  issuer,
  authorization_endpoint: "https://auth.example.com/authorize",
  token_endpoint: "https://auth.example.com/token",
  registration_endpoint: "https://auth.example.com/register",
  code_challenge_methods_supported: ["S256"],
};

/** A web of documents; what is not there is 404. */
function web(documents: Record<string, unknown>): { fetch: ProviderFetch; fetched: string[] } {
  const fetched: string[] = [];
  return {
    fetched,
    fetch: (url) => {
      fetched.push(url.href);
      const found = documents[url.href];
      const body = typeof found === "string" ? found : JSON.stringify(found);
      return Promise.resolve({ status: found === undefined ? 404 : 200, headers: new Headers(), body: body ?? "" });
    },
  };
}

function challenging(challenge: string): ProviderFetch {
  return () => Promise.resolve({ status: 401, headers: new Headers({ "www-authenticate": challenge }), body: "" });
}

test("an issuer with a path: RFC 8414, then OpenID with the path inserted, then appended (MCP 2026-07-28)", async () => {
  const appended = `${issuer}/.well-known/openid-configuration`;
  const { fetch, fetched } = web({ [appended]: server });
  assert.equal((await fetchServerMetadata({ fetch, isLocal: false }, issuer)).tokenUrl, server.token_endpoint);
  assert.deepEqual(fetched, [
    "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
    "https://auth.example.com/.well-known/openid-configuration/tenant1",
    appended,
  ]);
});

test("an issuer without a path: RFC 8414, then OpenID; the slash after a bare host is forgiven, and nothing else", async () => {
  const bare = "https://auth.example.com";
  const place = `${bare}/.well-known/openid-configuration`;
  const { fetch, fetched } = web({ [place]: { ...server, issuer: bare } });
  assert.equal((await fetchServerMetadata({ fetch, isLocal: false }, `${bare}/`)).issuer, bare);
  assert.deepEqual(fetched, [`${bare}/.well-known/oauth-authorization-server`, place]);
  const other = web({
    [`${bare}/.well-known/oauth-authorization-server/tenant1`]: { ...server, issuer: `${issuer}/` },
  });
  await assert.rejects(fetchServerMetadata({ fetch: other.fetch, isLocal: false }, issuer), /names another issuer/);
});

test("a page of HTML at every path is no metadata", async () => {
  const page = "<!doctype html>";
  const { fetch } = web({
    "https://auth.example.com/.well-known/oauth-authorization-server/tenant1": page,
    "https://auth.example.com/.well-known/openid-configuration/tenant1": page,
  });
  await assert.rejects(fetchServerMetadata({ fetch, isLocal: false }, issuer), /publishes no metadata/);
});

const inside = [
  "http://auth.example.com",
  "http://169.254.169.254/latest/meta-data",
  "https://10.0.0.1",
  "https://127.0.0.1:8443",
  "https://[::1]",
  "https://localhost",
  "https://intranet",
  "https://vault.internal",
  "https://printer.local",
  "ftp://auth.example.com",
  "file:///etc/passwd",
  "https://user:password@auth.example.com",
];

for (const url of inside) {
  test(`SSRF: a public MCP server that names ${url} is not followed there`, async () => {
    const resourceMetadata = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";
    const found = { resource: "https://mcp.example.com/mcp", authorization_servers: [issuer] };
    const place = "https://auth.example.com/.well-known/oauth-authorization-server/tenant1";
    const discover = (documents: Record<string, unknown>, challenge: string) => {
      const { fetch, fetched } = web(documents);
      const tools = { fetch, downstreamFetch: challenging(challenge), isLocal: false };
      return { fetched, done: discoverProvider(tools, "https://mcp.example.com/mcp") };
    };
    const asMetadata = discover({}, `Bearer resource_metadata="${url}"`);
    await assert.rejects(asMetadata.done, { name: "DiscoveryError" });
    assert.deepEqual(asMetadata.fetched, []);

    const asIssuer = discover({ [resourceMetadata]: { ...found, authorization_servers: [url] } }, "Bearer");
    await assert.rejects(asIssuer.done, { name: "DiscoveryError" });
    assert.deepEqual(asIssuer.fetched, [resourceMetadata]);

    for (const endpoint of ["authorization_endpoint", "token_endpoint", "registration_endpoint"]) {
      const asEndpoint = discover({ [resourceMetadata]: found, [place]: { ...server, [endpoint]: url } }, "Bearer");
      await assert.rejects(asEndpoint.done, { name: "DiscoveryError" }, endpoint);
    }
  });
}

test("what counts as the operator's own network is told by the URL alone, not by what a name resolves to", () => {
  for (const url of inside.filter((url) => /^https?:/.test(url) && !url.includes("@"))) {
    assert.equal(isLocalAddress(new URL(url)), true, url);
  }
  for (const url of ["https://mcp.example.com/mcp", "https://8.8.8.8/mcp", "https://localhost.example.com"]) {
    assert.equal(isLocalAddress(new URL(url)), false, url);
  }
});

test("a key in the query of downstream_url is told neither to the provider nor to the log (RFC 8707 §2)", async () => {
  const url = "https://mcp.example.com/mcp?api_key=operators-key";
  const origin = "https://mcp.example.com";
  const own = { ...server, issuer: origin };
  const { fetch } = web({ [`${origin}/.well-known/oauth-authorization-server`]: own });
  const found = await discoverProvider({ fetch, downstreamFetch: challenging("Bearer"), isLocal: false }, url);
  assert.equal(found.resource, "https://mcp.example.com/mcp");
  const other = web({ [`${origin}/.well-known/oauth-protected-resource/mcp`]: { resource: "https://other.example" } });
  await assert.rejects(
    discoverProvider({ fetch: other.fetch, downstreamFetch: challenging("Bearer"), isLocal: false }, url),
    ({ message }: Error) => /another resource than https:\/\/mcp\.example\.com\/mcp$/.test(message),
  );
});

// The official SDK client through us to an MCP server whose provider is the real oidc-provider: nothing configured but the URL.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { createDemoMcpServer } from "../../lib/demo/mcp_server.ts";
import { createBrowser } from "../support/browser.ts";
import { createOAuthProvider, type TestOAuthProvider } from "../support/oauth_provider.ts";
import { signInAtProvider, startOpenIdProvider } from "../support/openid_provider.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An MCP server that takes the JWTs of its provider for itself, and nothing else. */
async function startJwtMcpServer(): Promise<{ url: string; trust(issuer: string): void; accepted: string[] }> {
  const accepted: string[] = [];
  let issuer = "";
  let url = "";
  const demo = createDemoMcpServer({ apiKey: "inside", now: () => Math.floor(Date.now() / 1000) });

  async function answer(request: Request): Promise<Response> {
    const { origin, pathname } = new URL(url);
    if (new URL(request.url).pathname === `/.well-known/oauth-protected-resource${pathname}`) {
      return Response.json({ resource: url, authorization_servers: [issuer], scopes_supported: ["files:read"] });
    }
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    try {
      const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
      const { payload } = await jwtVerify(token, keys, { issuer, audience: url });
      accepted.push(String(payload.jti));
    } catch {
      const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource${pathname}"`;
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    }
    const headers = new Headers(request.headers);
    headers.set("authorization", "Bearer inside");
    return await demo(
      new Request(request.url, { method: request.method, headers, body: await request.text() || null }),
    );
  }

  const server: Server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    const { method } = incoming;
    const request = new Request(new URL(incoming.url!, url), {
      method,
      headers,
      body: method === "POST" ? body : null,
    });
    const response = await answer(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const chunk of response.body ?? []) outgoing.write(chunk);
    outgoing.end();
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  cleanups.push(() =>
    new Promise<void>((settle) => {
      server.closeAllConnections();
      server.close(() => settle());
    })
  );
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  return { url, accepted, trust: (found) => void (issuer = found) };
}

async function stage(options: { rotates: boolean; methods: string[] }) {
  const mcp = await startJwtMcpServer();
  const provider = await startOpenIdProvider({
    redirectUris: ["https://unused.example/callback"],
    accounts: { ada: {} },
    mcp: { resource: mcp.url, ...options },
  });
  cleanups.push(() => provider[Symbol.asyncDispose]());
  mcp.trust(provider.issuer);
  const proxy: ProxyProcess = await startProxy({
    toml: `
[downstream.files]
display_name = "Files"
strategy = "chained_oauth"
downstream_url = "${mcp.url}"
`,
  });
  cleanups.push(() => proxy[Symbol.asyncDispose]());
  return { mcp, proxy, url: `${proxy.url}/mcp/files` };
}

async function signIn(url: string, oauth: TestOAuthProvider): Promise<void> {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: oauth });
  const client = new Client({ name: "test", version: "1" });
  await assert.rejects(client.connect(transport as Transport), UnauthorizedError);
  const browser = createBrowser();
  const consent = await browser.get(oauth.authorizationUrl!);
  const sent = await browser.submit(consent, { decision: "allow" });
  const stopAt = String(oauth.redirectUrl);
  const back = await signInAtProvider(browser, sent, { login: "ada", stopAt });
  assert.ok(back.location?.startsWith(stopAt), `${back.status} ${back.url} ${back.html}`);
  await transport.finishAuth(new URL(back.location!).searchParams.get("code")!);
  await client.close();
}

async function listTools(url: string, oauth: TestOAuthProvider): Promise<number> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { authProvider: oauth }) as Transport,
  );
  try {
    return (await client.listTools()).tools.length;
  } finally {
    await client.close();
  }
}

for (const rotates of [true, false]) {
  for (
    const [kind, methods] of [["confidential", ["client_secret_basic", "client_secret_post"]], ["public", [
      "none",
    ]]] as const
  ) {
    test(`issue 3: oidc-provider, ${rotates ? "rotating" : "lasting"} refresh tokens, ${kind} client: sign in, call, refresh, call`, async () => {
      const { mcp, proxy, url } = await stage({ rotates, methods: [...methods] });
      const oauth = createOAuthProvider();
      await signIn(url, oauth);
      assert.ok(await listTools(url, oauth) > 0);
      const before = new Set(mcp.accepted).size;
      for (let round = 0; round < 3; round++) {
        const { refresh_token, client_id } = {
          refresh_token: (await oauth.tokens())!.refresh_token!,
          client_id: (await oauth.clientInformation())!.client_id,
        };
        const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token, client_id });
        const answer = await fetch(`${proxy.url}/token/mcp/files`, { method: "POST", body });
        assert.equal(answer.status, 200, proxy.output());
        await oauth.saveTokens(await answer.json());
        assert.ok(await listTools(url, oauth) > 0);
      }
      assert.equal(new Set(mcp.accepted).size, before + 3, "each refresh brought a new token of the provider");
    });
  }
}

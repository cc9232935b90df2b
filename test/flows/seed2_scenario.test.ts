// What the second seed was made for, end to end: an MCP client, nginx with auth_request, an MCP server that knows nothing of
// all this, and a company's OpenID provider.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createBrowser } from "../support/browser.ts";
import { countingTool } from "../support/everything.ts";
import { freePort } from "../support/free_port.ts";
import { node22 } from "../support/node22.ts";
import { createOAuthProvider, type TestOAuthProvider } from "../support/oauth_provider.ts";
import { type OpenIdProviderProcess, signInAtProvider, startOpenIdProvider } from "../support/openid_provider.ts";
import { type RunningProgram, startProgram } from "../support/program.ts";
import { needs } from "../support/programs.ts";
import { startProxy } from "../support/proxy_process.ts";
import { startReverseProxy } from "../support/reverse_proxies.ts";
import { callTool } from "../support/tool_scopes.ts";

const skip = needs("nginx");
const ada = { preferred_username: "ada", email: "ada@example.com", email_verified: true, groups: ["eng"] };
const eve = { preferred_username: "eve", email: "eve@evil.example", email_verified: true, groups: ["eng"] };

let everything: RunningProgram;
let everythingPort: string;
let company: OpenIdProviderProcess;
let port: number;
const running: AsyncDisposable[] = [];

before(async () => {
  if (skip !== undefined) return;
  port = await freePort();
  everything = startProgram(["streamableHttp"], {
    command: node22("@modelcontextprotocol/server-everything/dist/index.js"),
    env: { PATH: process.env.PATH ?? "", PORT: "0" },
  });
  [, everythingPort = ""] = await everything.waitFor(/listening .*"port":(\d+)/);
  company = await startOpenIdProvider({
    redirectUris: [`http://127.0.0.1:${port}/callback`],
    accounts: { ada, eve },
  });
});
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each[Symbol.asyncDispose]();
});
after(async () => {
  await company?.[Symbol.asyncDispose]();
  await everything?.destroy();
});

/** nginx on the host's own port, with us beside it. @returns what a user pastes into a client */
async function stage(rules: string): Promise<string> {
  const proxy = await startProxy({
    server: `trusted_proxies = ["127.0.0.1"]`,
    toml: `
[provider.company]
kind = "oidc"
issuer = "${company.issuer}"
client_id = "${company.clientId}"
client_secret = "${company.clientSecret}"

[downstream.everything]
display_name = "Everything"
strategy = "login"
host = "127.0.0.1:${port}"
path = "/mcp"
scopes_url = "http://127.0.0.1:${everythingPort}/mcp"
allowed_email_domains = ["example.com"]
${rules}
`,
  });
  running.push(proxy);
  running.push(
    await startReverseProxy("nginx", {
      file: "nginx/forward-auth.conf",
      port,
      replace: {
        "127.0.0.1:8080": `127.0.0.1:${proxy.port}`,
        "127.0.0.1:3000": `127.0.0.1:${everythingPort}`,
        "wiki-mcp.example.com": `127.0.0.1:${port}`,
      },
    }),
  );
  return `http://127.0.0.1:${port}/mcp`;
}

/** The user's part: our page, the company's pages, and back to the client. */
async function allow(provider: TestOAuthProvider, login: string, scopes: string[] = []): Promise<URLSearchParams> {
  const browser = createBrowser();
  const page = await browser.get(provider.authorizationUrl!);
  const checked = Object.fromEntries(scopes.map((scope) => [`scope:${scope}`, "on"]));
  const sent = await browser.submit(page, { decision: "allow", ...checked });
  const back = await signInAtProvider(browser, sent, { login, stopAt: String(provider.redirectUrl) });
  assert.ok(back.location !== undefined, `${back.status} ${back.url} ${back.html}`);
  return new URL(back.location).searchParams;
}

function transportTo(url: string, provider: TestOAuthProvider): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
}

async function refusedConnection(url: string, provider: TestOAuthProvider): Promise<StreamableHTTPClientTransport> {
  const transport = transportTo(url, provider);
  await assert.rejects(new Client({ name: "test", version: "1" }).connect(transport as Transport), UnauthorizedError);
  return transport;
}

async function withClient(url: string, provider: TestOAuthProvider, use: (client: Client) => Promise<void>) {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transportTo(url, provider) as Transport);
  try {
    await use(client);
  } finally {
    await client.close();
  }
}

test(
  "seed 2's scenario: the SDK client signs in at the company and uses the server through nginx",
  { skip },
  async () => {
    const url = await stage("");
    const provider = createOAuthProvider();
    const transport = await refusedConnection(url, provider);
    const answer = await allow(provider, "ada");
    assert.equal(answer.get("iss"), `http://127.0.0.1:${port}`);
    await transport.finishAuth(answer.get("code")!);
    await withClient(url, provider, async (client) => {
      const { tools } = await client.listTools();
      assert.ok(tools.some(({ name }) => name === countingTool));
      const seen: number[] = [];
      const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
      const call = { name: countingTool, arguments: { duration: 0.4, steps: 4 } };
      // The SDK may drop what comes together with the result, on a busy machine all of it; then again.
      for (let tries = 0; tries < 5 && seen.length === 0; tries++) {
        const result = await client.callTool(call, undefined, { onprogress });
        assert.match(JSON.stringify(result.content), /Long running operation completed/);
      }
      assert.ok(seen.length > 0);
      // The first step arrives while the tool still runs: it would run for a minute.
      const abort = new AbortController();
      const unfinished = client.callTool({ name: countingTool, arguments: { duration: 60, steps: 600 } }, undefined, {
        onprogress: () => abort.abort("seen enough"),
        signal: abort.signal,
      });
      await assert.rejects(unfinished, /seen enough/);
    });
  },
);

test("S2-36: whoever is not of the company comes back without a code, and nginx stays shut", { skip }, async () => {
  const url = await stage("");
  const provider = createOAuthProvider();
  await refusedConnection(url, provider);
  const answer = await allow(provider, "eve");
  assert.deepEqual([answer.get("error"), answer.get("code")], ["access_denied", null]);
  await refusedConnection(url, provider);
});

test("S2-52: a client that was granted a part steps up to all that an older revision needs", { skip }, async () => {
  const url = await stage(`
[[downstream.everything.tool_scopes]]
name = "everything:echo"
tools = ["echo"]
[[downstream.everything.tool_scopes]]
name = "everything:count"
tools = ["${countingTool}"]
`);
  const provider = createOAuthProvider();
  const first = await refusedConnection(url, provider);
  await first.finishAuth((await allow(provider, "ada", ["everything:echo"])).get("code")!);
  // The server refuses what nginx lets pass because of its headers: a revision that it doesn't speak (2025-06-18 and later).
  const lie = await fetch(url, {
    method: "POST",
    body: callTool(countingTool),
    headers: {
      authorization: `Bearer ${provider.accessToken()}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/list",
    },
  });
  assert.equal(lie.status, 400);

  // As long as it has a refresh token, the SDK (1.x) answers insufficient_scope with a refresh, which widens nothing.
  provider.saveTokens({ access_token: provider.accessToken(), token_type: "Bearer" });
  provider.authorizationUrl = undefined;
  const second = await refusedConnection(url, provider);
  assert.match(new URL(provider.authorizationUrl!).searchParams.get("scope")!, /everything:count/);
  const answer = await allow(provider, "ada", ["everything:echo", "everything:count"]);
  await second.finishAuth(answer.get("code")!);
  await withClient(url, provider, async (client) => {
    const result = await client.callTool({ name: "echo", arguments: { message: "hello" } });
    assert.match(JSON.stringify(result.content), /hello/);
  });
});

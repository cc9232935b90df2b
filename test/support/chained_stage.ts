// The whole proxy in front of two chained downstreams: `files` protects itself and is discovered, `hub` has its provider in the
// configuration and GitHub's ways.
import { randomBytes } from "node:crypto";
import { type FakeProvider, type FakeProviderOptions, startFakeProvider } from "./fake_provider.ts";
import { createTestClient, redirectUri, type TestClient } from "./oauth_test_client.ts";
import { type ProtectedMcpOptions, type ProtectedMcpServer, startProtectedMcpServer } from "./protected_mcp_server.ts";
import { type ProxyOptions, type ProxyProcess, startProxy } from "./proxy_process.ts";

export interface ChainedStage {
  provider: FakeProvider;
  hubProvider: FakeProvider;
  files: ProtectedMcpServer;
  hub: ProtectedMcpServer;
  proxy: ProxyProcess;
  /** Starts the proxy again where it was, with the same secret. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Clients of one name are one client, because registration is idempotent. */
  client(name: "files" | "hub", clientName?: string): Promise<TestClient>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ChainedStageOptions {
  provider?: FakeProviderOptions;
  hub?: FakeProviderOptions;
  mcp?: ProtectedMcpOptions;
  /** TOML before the downstreams. */
  toml?: string;
}

const stateSecret = randomBytes(32).toString("base64");

export async function stageChained(options: ChainedStageOptions = {}): Promise<ChainedStage> {
  const provider = await startFakeProvider({ registers: true, rotate: true, sendsIssuer: true, ...options.provider });
  const hubProvider = await startFakeProvider({ github: true, ...options.hub });
  const files = await startProtectedMcpServer(provider, options.mcp);
  const hub = await startProtectedMcpServer(hubProvider);
  const proxyOptions: ProxyOptions = {
    stateSecret,
    logLevel: "trace",
    toml: `
${options.toml ?? ""}
[downstream.files]
display_name = "Files"
strategy = "chained_oauth"
downstream_url = "${files.url}"

[downstream.hub]
display_name = "Hub"
strategy = "chained_oauth"
downstream_url = "${hub.url}"
oauth_authorize_url = "${hubProvider.url}/authorize?audience=hub"
oauth_token_url = "${hubProvider.url}/token"
oauth_client_id = "${hubProvider.options.clientId}"
oauth_client_secret = "${hubProvider.options.clientSecret}"
oauth_scopes = "repo read:org"
oauth_supports_refresh = true
oauth_revocation_url = "${hubProvider.url}/revoke"
`,
  };
  const stage: ChainedStage = {
    provider,
    hubProvider,
    files,
    hub,
    proxy: await startProxy(proxyOptions),
    async restart(signal = "SIGKILL") {
      const { port } = stage.proxy;
      await stage.proxy.stop(signal);
      stage.proxy = await startProxy({ ...proxyOptions, port });
    },
    client: (name, clientName = "Test client") => createTestClient(stage.proxy.url, name, { client_name: clientName }),
    async [Symbol.asyncDispose]() {
      await stage.proxy[Symbol.asyncDispose]();
      await Promise.all([provider.stop(), hubProvider.stop()]);
      await Promise.all([files[Symbol.asyncDispose](), hub[Symbol.asyncDispose]()]);
    },
  };
  return stage;
}

/** Says yes on the page; the URL at the provider that the browser is sent to. */
export async function allow(client: TestClient, changes: Record<string, string | undefined> = {}): Promise<string> {
  const page = await client.authorize(changes);
  const { location, status, html } = await client.browser.submit(page, { decision: "allow" });
  if (location === undefined) throw new Error(`no redirect: ${status} ${html}`);
  return location;
}

/** To the provider and back to our callback: the redirect to the client. */
export async function toClient(client: TestClient, providerUrl: string): Promise<URL> {
  const end = await client.browser.follow(await client.browser.get(providerUrl), redirectUri);
  if (end.location === undefined) throw new Error(`the browser ended at ${end.status} ${end.html}`);
  return new URL(end.location);
}

/** From nothing to tokens. */
export async function signIn(client: TestClient, changes: Record<string, string | undefined> = {}) {
  const back = await toClient(client, await allow(client, changes));
  const code = back.searchParams.get("code");
  if (code === null) throw new Error(`no code: ${back.search}`);
  return { code, answer: await client.redeem(code) };
}

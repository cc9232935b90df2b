// The client that the conformance suite tests: the official SDK client, with us in between. The suite's protected server is our
// downstream, its authorization server the provider that we discover. Started by the suite with the server's URL as last argument;
// before it comes the port to listen on, for a process that chose one itself could meet the tests' own choice.
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from "@modelcontextprotocol/client";
import { createBrowser } from "../support/browser.ts";
import { createOAuthProvider } from "../support/oauth_provider.ts";
import { startProxy } from "../support/proxy_process.ts";

const [port, downstreamUrl] = process.argv.slice(-2) as [string, string];
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}") as Record<string, string | undefined>;
const maxSignIns = 3;

/** Where the suite names a client that is registered already, the operator writes the provider down. */
async function providerKeys(): Promise<string> {
  if (context.client_id === undefined) return "";
  const resource = await (await fetch(new URL("/.well-known/oauth-protected-resource/mcp", downstreamUrl))).json();
  const issuer = String(resource.authorization_servers[0]);
  const server = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json();
  return `
oauth_authorize_url = "${server.authorization_endpoint}"
oauth_token_url = "${server.token_endpoint}"
oauth_client_id = "${context.client_id}"
oauth_client_secret = "${context.client_secret}"`;
}

const proxy = await startProxy({
  port: Number(port),
  logLevel: "trace",
  toml: `
[downstream.suite]
display_name = "Suite"
strategy = "chained_oauth"
downstream_url = "${downstreamUrl}"
${await providerKeys()}`,
});
const oauth = createOAuthProvider();
// After `invalid_grant` the SDK asks for the tokens to be thrown away, and then for the user.
oauth.invalidateCredentials = () => oauth.saveTokens(undefined as unknown as Parameters<typeof oauth.saveTokens>[0]);
const browser = createBrowser();
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION;
const client = new Client({ name: "conformance", version: "1" }, {
  versionNegotiation: version === "2026-07-28" ? { mode: { pin: version } } : { mode: "legacy" },
});
let transport = newTransport();

try {
  await withSignIn(() => client.connect(transport));
  const { tools } = await withSignIn(() => client.listTools());
  for (const { name } of tools) await withSignIn(() => client.callTool({ name, arguments: {} }));
  await client.close();
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  console.error(proxy.output());
  await proxy[Symbol.asyncDispose]();
}

function newTransport(): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${proxy.url}/mcp/suite`), { authProvider: oauth });
}

/** Does what the client wants to, and signs in where that is asked for. */
async function withSignIn<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let signIns = 0;; signIns++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || signIns === maxSignIns) throw error;
      await signIn();
    }
  }
}

async function signIn(): Promise<void> {
  const redirectUrl = String(oauth.redirectUrl);
  const page = await browser.get(oauth.authorizationUrl!);
  const sent = page.location === undefined ? await browser.submit(page, { decision: "allow" }) : page;
  const back = await browser.follow(sent, redirectUrl);
  const code = back.location === undefined ? null : new URL(back.location).searchParams.get("code");
  if (code === null) throw new Error(`the sign-in ended at ${back.status} ${back.location ?? back.html}`);
  await transport.finishAuth(new URL(back.location!).searchParams);
  if (client.transport === undefined) transport = newTransport();
}

// demo: the built-in MCP server, a built-in sign-in service and this proxy, all on loopback, nothing to configure.
import { randomBytes } from "node:crypto";

import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/load.ts";
import { createDemoMcpServer } from "../demo/mcp_server.ts";
import { createDemoOpenIdProvider } from "../demo/openid_provider.ts";
import { currentRuntime, type Listener, onSignal } from "../runtime/runtime.ts";
import { type RunningServer, startServer } from "../server.ts";
import { configureLog } from "../telemetry/log.ts";

const apiKey = "demo-key";
const openIdClient = { clientId: "demo", clientSecret: randomBytes(32).toString("base64url") };
const host = "127.0.0.1";
const preferredPort = 8080;
/** How many ports after the preferred one are tried. */
const portsToTry = 20;

/**
 * Runs until SIGINT or SIGTERM. Without `port` it takes 8080 or the next free one; a `port` that was asked for must be free.
 *
 * @returns the exit code
 */
export async function demo(options: { port?: number }): Promise<number> {
  currentRuntime().raiseOutgoingLimit();
  await configureLog({ level: "info", format: "text" });
  const mcpServer = startMcpServer();
  const openIdProvider = startOpenIdProvider();
  const services = { mcpServer: originOf(mcpServer), openIdProvider: originOf(openIdProvider) };
  const proxy = await startProxy(options.port, services);
  if (!proxy) {
    await Promise.all([mcpServer.stop(0), openIdProvider.stop(0)]);
    console.error(`Port ${options.port ?? preferredPort} is taken. Choose another with -p, or 0 for any free one.`);
    return 1;
  }
  console.log(printNextSteps(proxy.port, options.port));
  await new Promise<void>((resolve) => {
    onSignal("SIGINT", resolve);
    onSignal("SIGTERM", resolve);
  });
  await proxy.stop();
  await Promise.all([mcpServer.stop(0), openIdProvider.stop(0)]);
  return 0;
}

/** Where the built-in services listen. */
interface Services {
  mcpServer: string;
  openIdProvider: string;
}

function originOf({ port }: Listener): string {
  return `http://${host}:${port}`;
}

function startOpenIdProvider(): Listener {
  const listener: Listener = currentRuntime().serve({
    host,
    port: 0,
    fetch: createDemoOpenIdProvider({
      ...openIdClient,
      issuer: () => originOf(listener),
      callbackPath: "/callback/mcp/team",
      now: () => Math.floor(Date.now() / 1000),
    }),
  });
  return listener;
}

function startMcpServer(): Listener {
  const handler = createDemoMcpServer({ apiKey, now: () => Math.floor(Date.now() / 1000) });
  return currentRuntime().serve({
    host,
    port: 0,
    fetch: (request, connection) => {
      connection.keepOpen();
      return handler(request);
    },
  });
}

/** Undefined where no port that may be used is free. */
async function startProxy(port: number | undefined, services: Services): Promise<RunningServer | undefined> {
  const ports = port === undefined ? Array.from({ length: portsToTry }, (_, index) => preferredPort + index) : [port];
  for (const candidate of ports) {
    try {
      return await startServer(buildConfig(candidate === 0 ? await findFreePort() : candidate, services));
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EADDRINUSE") throw error;
    }
  }
  return undefined;
}

/** The public URL holds the port, so it has to be known before the proxy listens. */
async function findFreePort(): Promise<number> {
  const listener = currentRuntime().serve({ host, port: 0, fetch: () => new Response() });
  await listener.stop(0);
  return listener.port;
}

function buildConfig(port: number, services: Services): Config {
  return parseConfig(
    `
    [server]
    host = "${host}"
    port = ${port}
    public_url = "http://${host}:${port}"
    state_secret = "${randomBytes(32).toString("base64")}"
    shutdown_grace = 1

    [downstream.demo]
    display_name = "Demo"
    strategy = "passthrough"
    downstream_url = "${services.mcpServer}/mcp"
    auth_hint = "The key of this demo is ${apiKey}"
    verify_url = "${services.mcpServer}/verify"

    [provider.demo]
    kind = "oidc"
    issuer = "${services.openIdProvider}"
    client_id = "${openIdClient.clientId}"
    client_secret = "${openIdClient.clientSecret}"

    [downstream.team]
    display_name = "Team demo"
    strategy = "login"
    downstream_url = "${services.mcpServer}/mcp"
    credential = "${apiKey}"
    allowed_groups = ["team"]
    `,
    {},
    readNothing,
  );
}

/** @throws always: the demo's configuration names no file */
function readNothing(path: string): string {
  throw new Error(`the demo reads no file, not even ${path}`);
}

function printNextSteps(port: number, askedPort: number | undefined): string {
  const url = `http://${host}:${port}/mcp/demo`;
  const teamUrl = `http://${host}:${port}/mcp/team`;
  const moved = askedPort === undefined && port !== preferredPort
    ? `\n  Port ${preferredPort} is taken, so this is on ${port}.\n`
    : "";
  return `
mcp-oauth-proxy demo: an MCP server that wants an API key, and the proxy in front of it. All of it only on this machine.
${moved}
  URL to paste    ${url}
  API key         ${apiKey}

  Your MCP client opens a page in the browser; paste the key there. The tools are echo, add, time, slow and stream.

  MCP inspector   npx @modelcontextprotocol/inspector --web --server-url ${url} --transport http
  Claude Code     claude mcp add --transport http demo ${url}
                  then /mcp in Claude Code, demo, Authenticate
  VS Code         code --add-mcp '{"name":"demo","type":"http","url":"${url}"}'

  Sign in instead ${teamUrl}
                  the same server behind a sign-in, where nobody sees the key: Ada is of the team, Bob is not

  Ctrl+C ends it. For your own server: mcp-oauth-proxy init
`;
}

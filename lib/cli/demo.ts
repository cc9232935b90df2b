// demo: the built-in MCP server, a built-in sign-in service and this proxy, all on loopback, nothing to configure.
import { currentRuntime } from "../runtime/runtime.ts";
import { type RunningServer, startServer } from "../server.ts";
import { configureLog } from "../telemetry/log.ts";
import { demoConfig } from "./demo_config.ts";
import { apiKey, type DemoServices, host, startDemoServices } from "./demo_services.ts";
import { stopOnSignals, watchStopSignals } from "./stop_signals.ts";

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
  configureLog({ level: "info", format: "text" });
  const services = startDemoServices();
  const proxy = await startProxy(options.port, services);
  if (!proxy) {
    await services.stop();
    console.error(`Port ${options.port ?? preferredPort} is taken. Choose another with -p, or 0 for any free one.`);
    return 1;
  }
  console.log(printNextSteps(proxy.port, options.port));
  const signals = watchStopSignals();
  await signals.first;
  await stopOnSignals(proxy, signals);
  await services.stop();
  return 0;
}

/** Undefined where no port that may be used is free. */
async function startProxy(port: number | undefined, services: DemoServices): Promise<RunningServer | undefined> {
  const ports = port === undefined ? Array.from({ length: portsToTry }, (_, index) => preferredPort + index) : [port];
  for (const candidate of ports) {
    try {
      return await startServer(demoConfig(candidate === 0 ? await findFreePort() : candidate, services));
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

function printNextSteps(port: number, askedPort: number | undefined): string {
  const url = `http://${host}:${port}/mcp/demo`;
  const filesUrl = `http://${host}:${port}/mcp/files`;
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

  Another service ${filesUrl}
                  a server that takes the tokens of another service: sign in there as Ada or Bob

  Sign in instead ${teamUrl}
                  the first server behind a sign-in, where nobody sees the key: Ada is of the team, Bob is not;
                  whoever signs in chooses which tools the client may use

  Ctrl+C ends it. For your own server: mcp-oauth-proxy init
`;
}

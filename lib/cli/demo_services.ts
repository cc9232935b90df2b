// What stands behind the demo's proxy, each on a loopback port of its own: two MCP servers, and a provider to sign in at.
import { randomBytes } from "node:crypto";
import { createDemoMcpServer } from "../demo/mcp_server.ts";
import { createDemoOpenIdProvider } from "../demo/openid_provider.ts";
import { currentRuntime, type Listener } from "../runtime/runtime.ts";

export const host = "127.0.0.1";
export const apiKey = "demo-key";

export interface DemoServices {
  /** Origin of the MCP server that wants the API key. */
  keyServer: string;
  /** Origin of the MCP server that wants an access token of the provider. */
  tokenServer: string;
  provider: { issuer: string; clientId: string; clientSecret: string };
  stop(): Promise<void>;
}

const now = () => Math.floor(Date.now() / 1000);

export function startDemoServices(): DemoServices {
  const client = { clientId: "demo", clientSecret: randomBytes(32).toString("base64url") };
  const provider = createDemoOpenIdProvider({
    ...client,
    issuer: () => originOf(signIn),
    callbackPaths: ["/callback/mcp/files", "/callback/mcp/team", "/callback/apps/demo"],
    now,
  });
  const signIn = listen(provider.handle);
  const keyServer = listen(createDemoMcpServer({ apiKey, now }));
  const tokenServer = listen(createDemoMcpServer({ apiKey: provider.isLive, now }));
  return {
    keyServer: originOf(keyServer),
    tokenServer: originOf(tokenServer),
    provider: { issuer: originOf(signIn), ...client },
    stop: async () => void await Promise.all([signIn, keyServer, tokenServer].map((listener) => listener.stop(0))),
  };
}

function listen(handle: (request: Request) => Promise<Response>): Listener {
  return currentRuntime().serve({
    host,
    port: 0,
    fetch: (request, connection) => {
      connection.keepOpen();
      return handle(request);
    },
  });
}

function originOf({ port }: Listener): string {
  return `http://${host}:${port}`;
}

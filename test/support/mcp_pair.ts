// A fake downstream with a proxy in front of it, for as long as one test takes.
import { type Behaviour, type FakeMcpServer, startFakeMcpServer } from "./fake_mcp_server.ts";
import { type McpProxy, type McpProxyOptions, startMcpProxy } from "./mcp_proxy.ts";
import { requestHead } from "./raw_http.ts";

export interface McpPair {
  fake: FakeMcpServer;
  proxy: McpProxy;
}

export async function withMcpPair(
  behaviour: Behaviour,
  options: McpProxyOptions,
  use: (pair: McpPair) => Promise<void>,
): Promise<void> {
  const fake = await startFakeMcpServer(behaviour);
  const proxy = await startMcpProxy(fake.url, options);
  try {
    await use({ fake, proxy });
  } finally {
    await proxy.stop();
    await fake.close();
  }
}

/** A small message, for `send`. */
export const post: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json", "accept": "application/json, text/event-stream" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

/** The head of a request to the MCP server with the proxy's token. */
export function rawHead(proxy: McpProxy, method: string, headers: Record<string, string> = {}): string {
  return requestHead(method, "/mcp/fake", { Authorization: `Bearer ${proxy.token}`, ...headers });
}

// An MCP server that names scopes in its tools/list, in either protocol era.
import type { ServerResponse } from "node:http";
import { type FakeMcpServer, type ReceivedRequest, startFakeMcpServer } from "./fake_mcp_server.ts";

export interface ScopedServerOptions {
  era: "2026-07-28" | "2025-11-25";
  /** `result` of tools/list by cursor; "" is the first page. */
  pages: Record<string, unknown>;
  answerAs?: "json" | "sse";
  /** Without it, tools/list is 401. */
  authorization?: string;
  capabilities?: unknown;
}

export interface ScopedServer extends FakeMcpServer {
  options: ScopedServerOptions;
  /** JSON-RPC methods and HTTP methods in the order they came. */
  asked(): string[];
}

export async function startScopedServer(options: ScopedServerOptions): Promise<ScopedServer> {
  const server = await startFakeMcpServer((request, answer) => serve(request, answer, current.options));
  const current: ScopedServer = {
    ...server,
    options,
    asked: () => server.received.map(({ method, body }) => method === "POST" ? JSON.parse(body).method : method),
  };
  return current;
}

function serve(request: ReceivedRequest, answer: ServerResponse, options: ScopedServerOptions): void {
  if (request.method === "DELETE") return void answer.writeHead(500).end();
  const { authorization = request.headers.authorization } = options;
  if (request.headers.authorization !== authorization) return void answer.writeHead(401).end();
  const message = JSON.parse(request.body) as { id?: unknown; method: string; params?: { cursor?: string } };
  const send = (body: Record<string, unknown>, status = 200, headers: Record<string, string> = {}) => {
    const text = JSON.stringify({ jsonrpc: "2.0", id: message.id, ...body });
    const asSse = options.answerAs === "sse" && status === 200;
    answer.writeHead(status, { "content-type": asSse ? "text/event-stream" : "application/json", ...headers });
    answer.end(asSse ? `: hello\r\n\r\nevent: message\r\ndata: ${text}\r\n\r\n` : text);
  };
  const isModern = request.headers["mcp-protocol-version"] === "2026-07-28";
  if (options.era === "2026-07-28") {
    if (!isModern || request.headers["mcp-method"] !== message.method) {
      return send({ error: { code: -32020, message: "Header mismatch" } }, 400);
    }
  } else if (isModern) return send({ error: { code: -32000, message: "Unsupported protocol version" } }, 400);
  else if (message.method === "initialize") {
    const { capabilities = { tools: {} } } = options;
    const result = { protocolVersion: "2025-06-18", capabilities, serverInfo: { name: "s", version: "1" } };
    return send({ result }, 200, { "mcp-session-id": "the-session" });
  } else if (request.headers["mcp-session-id"] !== "the-session") return send({ error: { code: -32000 } }, 400);
  else if (message.method === "notifications/initialized") return void answer.writeHead(202).end();
  const page = options.pages[message.params?.cursor ?? ""];
  return page === undefined ? send({ error: { code: -32601, message: "no such page" } }) : send({ result: page });
}

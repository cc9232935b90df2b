// An MCP server with everything that the conformance suite asks for, in both protocol eras: sessions until 2025-11-25, stateless in
// 2026-07-28. Runs under Node 22 on loopback, prints its URL. Wants `Authorization: Bearer <argv[2]>`
// when a key is given, and then refuses everything else with 401.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
} from "@modelcontextprotocol/node";
import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server";
import { classifyInboundRequest, createMcpHandler, isInitializeRequest, McpServer } from "@modelcontextprotocol/server";
import { object, registerFixedAnswers, text } from "./fixed_answers.ts";
import { registerQuestions, roundState } from "./questions.ts";
import { registerResourcesAndPrompts } from "./resources_and_prompts.ts";

const key = process.argv[2];
const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

/** Every server instance is the same: one per session before 2026-07-28, one per request since. */
function createReferenceServer(): McpServer {
  const server = new McpServer({ name: "conformance-reference-server", version: "1.0.0" }, {
    capabilities: {
      tools: { listChanged: true },
      prompts: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      logging: {},
      completions: {},
    },
    requestState: { verify: roundState.verify },
  });
  registerFixedAnswers(server, (ctx) => sessions.get(ctx.sessionId ?? "")?.closeSSEStream(ctx.mcpReq.id));
  registerQuestions(server);
  registerResourcesAndPrompts(server);
  const trigger = (name: string, publish: () => void) =>
    server.registerTool(name, { description: `changes a list (${name})`, inputSchema: object() }, async () => {
      publish();
      return { content: [text("published")] };
    });
  trigger("test_trigger_tool_change", () => stateless.notify.toolsChanged());
  trigger("test_trigger_prompt_change", () => stateless.notify.promptsChanged());
  return server;
}

const stateless = createMcpHandler(() => createReferenceServer());
const answerStateless = toNodeHandler(stateless);
const hostIsLocal = localhostHostValidation();
const originIsLocal = localhostOriginValidation();

/** Remembers what was sent on a session's streams, so that `Last-Event-ID` can ask for the rest (SEP-1699). */
function createEventStore(): EventStore {
  const events: { streamId: string; message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(streamId, message) {
      return `${events.push({ streamId, message })}`;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const last = Number(lastEventId);
      const { streamId } = events[last - 1]!;
      for (const [index, event] of events.entries()) {
        const isReplayed = index >= last && event.streamId === streamId && "jsonrpc" in event.message;
        if (isReplayed) await send(`${index + 1}`, event.message);
      }
      return streamId;
    },
  };
}

async function startSession(): Promise<NodeStreamableHTTPServerTransport> {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: createEventStore(),
    retryInterval: 500,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await createReferenceServer().connect(transport);
  return transport;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", error: { code: -32001, message }, id: null }));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return;
  if (key && request.headers.authorization !== `Bearer ${key}`) return refuse(response, 401, "wrong key");
  const header = (name: string) => request.headers[name] as string | undefined;
  const body: unknown = request.method === "POST" ? await json(request) : undefined;
  const sessionId = header("mcp-session-id");
  if (request.method === "POST") {
    const era = classifyInboundRequest({
      httpMethod: "POST",
      protocolVersionHeader: header("mcp-protocol-version"),
      mcpMethodHeader: header("mcp-method"),
      mcpNameHeader: header("mcp-name"),
      body,
    });
    if (era.kind !== "legacy") return await answerStateless(request, response, body);
    if (!sessionId && isInitializeRequest(body)) {
      return await (await startSession()).handleRequest(request, response, body);
    }
  }
  if (!sessionId) return refuse(response, 400, "Mcp-Session-Id is missing");
  const transport = sessions.get(sessionId);
  if (!transport) return refuse(response, 404, "Session not found");
  await transport.handleRequest(request, response, body);
}

const listener = createServer((request, response) => {
  answer(request, response).catch((cause) => {
    console.error(cause);
    if (!response.headersSent) refuse(response, 500, "internal error");
  });
});
listener.listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`);
});

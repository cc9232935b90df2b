// Issue 2: the official SDK 2.x on both ends, in the era of sessions and in that of 2026-07-28, with our login in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Client,
  type ClientOptions,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { createMcpHandler, fromJsonSchema, McpServer } from "@modelcontextprotocol/server";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { allow, assertOneLoginAndOneRefresh, type Stage, stageDownstream } from "../support/everything.ts";
import { createOAuthProvider, type TestOAuthProvider } from "../support/oauth_provider.ts";

const eras: { era: "legacy" | "modern"; versionNegotiation: ClientOptions["versionNegotiation"] }[] = [
  { era: "legacy", versionNegotiation: { mode: "legacy" } },
  { era: "modern", versionNegotiation: { mode: { pin: "2026-07-28" } } },
  { era: "modern", versionNegotiation: { mode: "auto" } },
];

for (const { era, versionNegotiation } of eras) {
  test(`issue 2: the SDK 2.x client, ${JSON.stringify(versionNegotiation)}, signs in, lists, calls with progress and refreshes`, async () => {
    const seen = { authorization: new Set<string | null>() };
    await using downstream = serveCounter(seen);
    await using stage = await stageDownstream(downstream.url);
    const provider = createOAuthProvider();
    const connect = async () => {
      const transport = new StreamableHTTPClientTransport(new URL(stage.url), { authProvider: provider });
      const client = new Client({ name: "test", version: "1" }, { versionNegotiation });
      return { transport, client, connected: client.connect(transport) };
    };

    const first = await connect();
    await assert.rejects(first.connected, UnauthorizedError);
    // With the whole answer the SDK also checks `iss` (RFC 9207).
    await first.transport.finishAuth((await allow(provider.authorizationUrl!, "the-pasted-key")).searchParams);

    const { client, connected } = await connect();
    await connected;
    try {
      assert.equal(client.getProtocolEra(), era);
      await listCallAndRefresh(client, stage, provider);
    } finally {
      await client.close();
    }
    await assertOneLoginAndOneRefresh(stage);
    assert.deepEqual([...seen.authorization], ["Bearer the-pasted-key"]);
  });
}

async function listCallAndRefresh(client: Client, stage: Stage, provider: TestOAuthProvider): Promise<void> {
  assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), ["count"]);
  await countTo(3, client);
  const before = provider.accessToken();
  await stage.revoke(before);
  await countTo(5, client);
  assert.notEqual(provider.accessToken(), before);
}

async function countTo(steps: number, client: Client): Promise<void> {
  const seen: number[] = [];
  const result = await client.callTool({ name: "count", arguments: { steps } }, {
    onprogress: ({ progress }) => void seen.push(progress),
  });
  assert.deepEqual(result.content, [{ type: "text", text: `counted to ${steps}` }]);
  assert.deepEqual(seen, Array.from({ length: steps }, (_, index) => index + 1));
}

/** A server of the official SDK that serves both eras; notes with which credential it was asked. */
function serveCounter(seen: { authorization: Set<string | null> }): { url: string } & AsyncDisposable {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "counter", version: "1" }, { capabilities: { tools: {} } });
    const inputSchema = fromJsonSchema<{ steps: number }>({
      type: "object",
      properties: { steps: { type: "integer" } },
      required: ["steps"],
    });
    server.registerTool("count", { description: "counts", inputSchema }, async ({ steps }, { mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken;
      for (let progress = 1; progress <= steps && progressToken !== undefined; progress++) {
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress, total: steps } });
      }
      return { content: [{ type: "text", text: `counted to ${steps}` }] };
    });
    return server;
  });
  const listener = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      seen.authorization.add(request.headers.get("authorization"));
      return handler.fetch(request);
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}/mcp`,
    [Symbol.asyncDispose]: () => listener.stop(0),
  };
}

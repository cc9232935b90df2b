// The demo server as the official SDK client sees it, with the server's handler as the client's fetch: no socket.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import { createDemoMcpServer } from "../../lib/demo/mcp_server.ts";

const noon = Date.parse("2026-01-02T12:00:00Z") / 1000;

function transports(apiKey = "demo-key"): Record<string, () => Transport> {
  const handler = createDemoMcpServer({ apiKey: "demo-key", now: () => noon });
  const options = {
    fetch: (url: string | URL, init?: RequestInit) => handler(new Request(url, init)),
    requestInit: { headers: { authorization: `Bearer ${apiKey}` } },
  };
  return {
    "Streamable HTTP": () => new StreamableHTTPClientTransport(new URL("http://localhost/mcp"), options) as Transport,
    "HTTP+SSE": () => new SSEClientTransport(new URL("http://localhost/sse"), options),
  };
}

async function connect(transport: Transport): Promise<Client> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  return client;
}

const textOf = (result: Awaited<ReturnType<Client["callTool"]>>) => (result.content as { text: string }[])[0]?.text;

for (const [name, create] of Object.entries(transports())) {
  test(`the SDK client lists the tools over ${name}`, async () => {
    const client = await connect(create());
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), ["echo", "add", "time", "slow", "stream"]);
    assert.equal(client.getServerVersion()?.name, "mcp-oauth-proxy-demo");
    await client.close();
  });

  test(`the SDK client calls echo, add and time over ${name}`, async () => {
    const client = await connect(create());
    assert.equal(textOf(await client.callTool({ name: "echo", arguments: { text: "Grüße 世界" } })), "Grüße 世界");
    assert.equal(textOf(await client.callTool({ name: "add", arguments: { a: 2, b: 40.5 } })), "42.5");
    assert.equal(textOf(await client.callTool({ name: "time" })), "2026-01-02T12:00:00.000Z");
    await client.close();
  });

  test(`slow reports its progress step by step over ${name}`, async () => {
    const client = await connect(create());
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
    const call = { name: "slow", arguments: { seconds: 0.02, steps: 4 } };
    assert.equal(textOf(await client.callTool(call, undefined, { onprogress })), "Done after 0.02 seconds in 4 steps.");
    assert.deepEqual(seen, [1, 2, 3, 4]);
    await client.close();
  });

  test(`stream sends as many notifications as asked over ${name}`, async () => {
    const client = await connect(create());
    let seen = 0;
    const call = { name: "stream", arguments: { count: 500, interval_ms: 0 } };
    await client.callTool(call, undefined, { onprogress: () => void seen++ });
    assert.equal(seen, 500);
    await client.close();
  });

  test(`wrong arguments come back as a tool error that says what is wrong over ${name}`, async () => {
    const client = await connect(create());
    const result = await client.callTool({ name: "add", arguments: { a: 1, b: "2" } });
    assert.equal(result.isError, true);
    assert.equal(textOf(result), "The argument b must be of type number.");
    await assert.rejects(client.callTool({ name: "toString" }), /unknown tool: toString/);
    await client.close();
  });
}

for (const [name, create] of Object.entries(transports("wrong-key"))) {
  test(`a wrong key is refused over ${name}`, async () => {
    await assert.rejects(connect(create()), /wants its API key|401/);
  });
}

// SIGTERM while streams are open: what runs may finish within shutdown_grace, then the process ends with 0.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createDemoMcpServer } from "../../lib/demo/mcp_server.ts";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

/** Signed in behind the proxy, with a stream open on which the first event has arrived. */
async function openStream(graceSeconds: number, tool: { count: number; interval_ms: number }) {
  const handler = createDemoMcpServer({ apiKey: "the-key", now: () => 0 });
  const downstream = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: (request, connection) => {
      connection.keepOpen();
      return handler(request);
    },
  });
  const proxy = await startProxy({
    server: `shutdown_grace = ${graceSeconds}`,
    toml: `[downstream.demo]
display_name = "Demo"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:${downstream.port}/mcp"
`,
  });
  const client = await createTestClient(proxy.url, "demo");
  const { access_token = "" } = await client.signIn("the-key");
  const answer = await client.mcp(access_token, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "stream", arguments: tool, _meta: { progressToken: 1 } },
    }),
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("Step 1 of")) text += (await reader.read()).value ?? "";
  const rest = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text;
  };
  return { proxy, rest, stopDownstream: () => downstream.stop(0) };
}

async function terminate(proxy: ProxyProcess): Promise<{ code: number | null; seconds: number }> {
  const started = performance.now();
  const code = await proxy.stop("SIGTERM");
  return { code, seconds: (performance.now() - started) / 1000 };
}

test("SIGTERM lets an open SSE stream finish, then the process ends with 0", async () => {
  const { proxy, rest, stopDownstream } = await openStream(60, { count: 20, interval_ms: 50 });
  try {
    const [end, text] = await Promise.all([terminate(proxy), rest()]);
    assert.match(text, /Sent 20 notifications\./);
    assert.equal(end.code, 0);
  } finally {
    await proxy[Symbol.asyncDispose]();
    await stopDownstream();
  }
});

test("SIGTERM cuts an endless SSE stream after shutdown_grace, and the process ends with 0", async () => {
  const graceSeconds = 3;
  const { proxy, rest, stopDownstream } = await openStream(graceSeconds, { count: 100_000, interval_ms: 100 });
  try {
    const [end] = await Promise.all([terminate(proxy), rest().catch((error: Error) => error)]);
    assert.equal(end.code, 0);
    assert.ok(end.seconds > graceSeconds - 0.5 && end.seconds < graceSeconds + 20, `${end.seconds} s`);
  } finally {
    await proxy[Symbol.asyncDispose]();
    await stopDownstream();
  }
});

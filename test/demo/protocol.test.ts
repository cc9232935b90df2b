// The demo server's protocol, message by message: what the SDK client does not send.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createEventStream } from "../../lib/demo/event_stream.ts";
import { createDemoMcpServer } from "../../lib/demo/mcp_server.ts";
import { callTool } from "../../lib/demo/tools.ts";

const handler = createDemoMcpServer({ apiKey: "demo-key", now: () => 0 });

function send(path: string, options: { method?: string; headers?: Record<string, string>; body?: unknown } = {}) {
  const { method = "POST", headers = {}, body } = options;
  return handler(
    new Request(`http://localhost${path}`, {
      method,
      headers: { authorization: "Bearer demo-key", "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    }),
  );
}

interface ModernRequest {
  method: string;
  params?: Record<string, unknown>;
  headers?: Record<string, string>;
  meta?: Record<string, unknown>;
}

/** A 2026-07-28 request with all that the revision demands; a test takes away or changes. */
function sendModern({ method, params = {}, headers = {}, meta = {} }: ModernRequest) {
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    ...meta,
  };
  return send("/mcp", {
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } },
  });
}

const echo = { method: "tools/call", params: { name: "echo", arguments: { text: "hi" } } };

test("2026-07-28: server/discover names the versions, with caching hints and resultType", async () => {
  const response = await sendModern({ method: "server/discover" });
  const { result } = await response.json();
  assert.equal(response.status, 200);
  assert.deepEqual(result.supportedVersions, ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]);
  assert.deepEqual([result.resultType, result.ttlMs, result.cacheScope], ["complete", 3_600_000, "public"]);
  assert.equal(result._meta["io.modelcontextprotocol/serverInfo"].name, "mcp-oauth-proxy-demo");
});

test("2026-07-28: a tool call is answered without any handshake", async () => {
  const response = await sendModern({ ...echo, headers: { "mcp-name": "echo" } });
  const { result } = await response.json();
  assert.deepEqual(result.content, [{ type: "text", text: "hi" }]);
  assert.equal(result.resultType, "complete");
});

test("2026-07-28: Mcp-Name may be Base64 encoded", async () => {
  const response = await sendModern({ ...echo, headers: { "mcp-name": "=?base64?ZWNobw==?=" } });
  assert.equal(response.status, 200);
});

for (
  const [what, request, status, code] of [
    ["a missing Mcp-Name", echo, 400, -32020],
    ["another Mcp-Name", { ...echo, headers: { "mcp-name": "add" } }, 400, -32020],
    ["another Mcp-Method", { ...echo, headers: { "mcp-name": "echo", "mcp-method": "tools/list" } }, 400, -32020],
    [
      "another version in the header",
      { method: "tools/list", headers: { "mcp-protocol-version": "2025-11-25" } },
      400,
      -32020,
    ],
    [
      "an unknown version",
      {
        method: "tools/list",
        headers: { "mcp-protocol-version": "1900-01-01" },
        meta: { "io.modelcontextprotocol/protocolVersion": "1900-01-01" },
      },
      400,
      -32022,
    ],
    [
      "_meta without a version",
      { method: "tools/list", meta: { "io.modelcontextprotocol/protocolVersion": undefined } },
      400,
      -32602,
    ],
    [
      "_meta without capabilities",
      { method: "tools/list", meta: { "io.modelcontextprotocol/clientCapabilities": undefined } },
      400,
      -32602,
    ],
    ["an unknown method", { method: "prompts/list" }, 404, -32601],
  ] as [string, ModernRequest, number, number][]
) {
  test(`2026-07-28: ${what} is refused with ${status} and ${code}`, async () => {
    const response = await sendModern(request);
    const { error, id } = await response.json();
    assert.deepEqual([response.status, error.code, id], [status, code, 1]);
  });
}

test("2026-07-28: an unknown version's error lists the supported ones", async () => {
  const body = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const response = await send("/mcp", { headers: { "mcp-protocol-version": "1900-01-01" }, body });
  const { error } = await response.json();
  assert.equal(error.data.requested, "1900-01-01");
  assert.equal(error.data.supported[0], "2026-07-28");
});

test("2025-03-26: a batch is answered with a batch, and later versions refuse it", async () => {
  const body = [{ jsonrpc: "2.0", id: 1, method: "ping" }, { jsonrpc: "2.0", id: 2, method: "nope" }, {
    jsonrpc: "2.0",
    method: "notifications/initialized",
  }];
  const answers = await (await send("/mcp", { body })).json();
  assert.deepEqual(answers[0], { jsonrpc: "2.0", id: 1, result: {} });
  assert.equal(answers[1].error.code, -32601);
  assert.equal(answers.length, 2);
  assert.equal((await send("/mcp", { body, headers: { "mcp-protocol-version": "2025-11-25" } })).status, 400);
});

test("2025-11-25: GET opens a stream that says something at once, DELETE has no session to end", async () => {
  const response = await send("/mcp", { method: "GET", headers: { accept: "text/event-stream" } });
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const reader = response.body!.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /^:/);
  await reader.cancel();
  assert.equal((await send("/mcp", { method: "DELETE" })).status, 405);
});

test("initialize answers with the version asked for, or with the newest of its era", async () => {
  const initialize = async (protocolVersion: string) => {
    const body = { jsonrpc: "2.0", id: 1, method: "initialize", params: { protocolVersion, capabilities: {} } };
    return (await (await send("/mcp", { body })).json()).result.protocolVersion;
  };
  assert.equal(await initialize("2025-06-18"), "2025-06-18");
  assert.equal(await initialize("2099-01-01"), "2025-11-25");
});

test("a notification gets 202 and no body; garbage gets 400", async () => {
  const notification = await send("/mcp", { body: { jsonrpc: "2.0", method: "notifications/initialized" } });
  assert.deepEqual([notification.status, await notification.text()], [202, ""]);
  assert.equal((await send("/mcp", { body: "{" })).status, 400);
  assert.equal((await send("/mcp", { body: "null" })).status, 400);
});

test("a client that goes away stops the tool", async () => {
  const stream = createEventStream();
  const call = callTool({ name: "slow", arguments: { seconds: 600, steps: 1 } }, {
    now: () => 0,
    progress: () => {},
    signal: stream.signal,
  });
  await stream.response.body!.cancel();
  await assert.rejects(call, { name: "AbortError" });
});

test("without the key every path answers 401, /verify tells a good key, a foreign Origin is refused", async () => {
  for (const path of ["/mcp", "/sse", "/verify", "/"]) {
    const response = await send(path, { method: "GET", headers: { authorization: "Bearer nope" } });
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
  }
  assert.equal((await send("/verify", { method: "GET" })).status, 200);
  assert.equal((await send("/verify", { method: "GET", headers: { origin: "https://evil.example" } })).status, 403);
  assert.equal((await send("/verify", { method: "GET", headers: { origin: "http://localhost:6274" } })).status, 200);
});

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  type Behaviour,
  dieMidBody,
  echo,
  type FakeMcpServer,
  gzip,
  json,
  sse,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { type McpProxy, type McpProxyOptions, startMcpProxy } from "../support/mcp_proxy.ts";
import { callTool, listOf, loginConfig } from "../support/tool_scopes.ts";

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

interface Setup {
  proxy: McpProxy;
  server: FakeMcpServer;
  post(body: BodyInit, headers?: Record<string, string>): Promise<Response>;
}

/** A user who was granted wiki:read. */
async function setup(behaviour: Behaviour = echo, options: McpProxyOptions = {}): Promise<Setup> {
  const server = await startFakeMcpServer(behaviour);
  const proxy = await startMcpProxy(server.url, { ...options, resource: { strategy: loginConfig } });
  running.push(() => server.close(), () => proxy.stop());
  const identity = { subject: "ada", groups: [] };
  const authorization = `Bearer ${await proxy.issue({ scope: ["wiki:read"], identity })}`;
  const post: Setup["post"] = (body, headers = {}) =>
    proxy.send({ method: "POST", body, headers: { authorization, "content-type": "application/json", ...headers } });
  return {
    server,
    post,
    proxy: { ...proxy, send: (init = {}) => proxy.send({ headers: { authorization }, ...init }) },
  };
}

const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

test("S2-52: a call within the scope reaches the downstream; one beyond it is 403 insufficient_scope and does not", async () => {
  const { post, server } = await setup();
  assert.equal((await post(callTool("search"))).status, 200);
  const refused = await post(callTool("put_page"));
  assert.equal(refused.status, 403);
  assert.equal(
    refused.headers.get("www-authenticate"),
    'Bearer error="insufficient_scope", error_description="this tool needs another scope", scope="wiki:write", ' +
      'resource_metadata="https://proxy.example.com/.well-known/oauth-protected-resource/mcp/fake"',
  );
  assert.equal(server.received.length, 1);
});

test("2026-07-28: the same with the metadata headers, which have to agree with the body", async () => {
  const { post, server } = await setup();
  const modern = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" };
  assert.equal((await post(callTool("search"), { ...modern, "mcp-name": "search" })).status, 200);
  assert.equal((await post(callTool("put_page"), { ...modern, "mcp-name": "put_page" })).status, 403);
  assert.equal((await post(callTool("put_page"), { ...modern, "mcp-name": "search" })).status, 400);
  assert.equal((await post(callTool("put_page"), { ...modern, "mcp-method": "tools/list" })).status, 400);
  assert.equal(server.received.length, 1);
});

test("the downstream reads the message that was checked: one copy of each key, UTF-8, no charset of the client's", async () => {
  const { post, server } = await setup();
  const twice =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"put_page"},"params":{"name":"search"}}';
  await post(twice, { "content-type": "application/json; charset=utf-7" });
  const [request] = server.received;
  assert.equal(request!.body, '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}');
  assert.equal(request!.headers["content-type"], "application/json");
});

test("batches, unknown methods, compressed and oversized bodies are refused and reach nobody", async () => {
  const { post, server } = await setup(echo, { server: { bodyLimitBytes: 1000 } });
  assert.equal((await post(`[${callTool("search")}]`)).status, 400);
  assert.equal((await post(`[${list},${callTool("put_page")}]`)).status, 400);
  assert.equal((await post('{"jsonrpc":"2.0","id":1,"method":"tools/run"}')).status, 403);
  assert.equal((await post(gzipSync(callTool("search")), { "content-encoding": "gzip" })).status, 415);
  assert.equal((await post(callTool("search").padEnd(1001))).status, 413);
  const chunked = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(callTool("search").padEnd(1001)));
      controller.close();
    },
  });
  assert.equal((await post(chunked, {})).status, 413);
  assert.equal((await post("")).status, 400);
  assert.deepEqual(server.received, []);
});

test("only a POST carries a message: the body of any other method stays here", async () => {
  const { server, proxy } = await setup(json({}));
  assert.equal((await proxy.send({ method: "PUT", body: callTool("put_page") })).status, 200);
  assert.equal((await proxy.send({ method: "DELETE" })).status, 200);
  assert.deepEqual(server.received.map(({ method, body }) => [method, body]), [["PUT", ""], ["DELETE", ""]]);
});

test("a list in a JSON answer loses the tools, whatever type the answer claims to have", async () => {
  const { post, server } = await setup();
  for (
    const type of ["application/json", "application/json; charset=utf-8", "text/plain", "application/octet-stream"]
  ) {
    server.behave(json(listOf("search", "put_page"), { headers: { "content-type": type } }));
    const answer = await post(list);
    assert.equal(answer.headers.get("content-type"), type);
    assert.deepEqual(await answer.json(), listOf("search"), type);
  }
});

test("a byte order mark, an error status or a batch hides no list", async () => {
  const { post, server } = await setup();
  server.behave((_request, answer) => {
    answer.writeHead(200, { "content-type": "application/json" });
    answer.end(`\uFEFF${JSON.stringify(listOf("put_page"))}`);
  });
  assert.deepEqual(await (await post(list)).json(), listOf());
  server.behave(json([listOf("put_page"), listOf("search")], { status: 500 }));
  const failed = await post(list);
  assert.equal(failed.status, 500);
  assert.deepEqual(await failed.json(), [listOf(), listOf("search")]);
});

test("a list inside SSE frames loses the tools, also on GET streams and resumed ones", async () => {
  const frame = `id: 7\nevent: message\ndata: ${JSON.stringify(listOf("search", "put_page"))}\n\n`;
  const { post, proxy } = await setup(sse([": hi\n\n", frame.slice(0, 60), frame.slice(60)], { end: true }));
  const wanted = `: hi\n\n${frame}`.replace(',{"name":"put_page"}', "");
  assert.equal(await (await post(list)).text(), wanted);
  assert.equal(await (await proxy.send({ method: "GET" })).text(), wanted);
  const headers = new Headers({ authorization: `Bearer ${await proxy.issue({ scope: ["wiki:read"] })}` });
  headers.set("last-event-id", "6");
  assert.equal(await (await proxy.send({ method: "GET", headers })).text(), wanted);
});

test("an open stream passes each event on at once", async () => {
  const { post } = await setup(sse([`data: ${JSON.stringify(listOf("search", "put_page"))}\n\n`]));
  const reader = (await post(list)).body!.getReader();
  let text = "";
  while (!text.includes("\n\n")) text += new TextDecoder().decode((await reader.read()).value);
  assert.equal(text, `data: ${JSON.stringify(listOf("search"))}\n\n`);
  await reader.cancel();
});

test("an answer that can't be looked into is 502: compressed, no JSON, too large, broken off", async () => {
  const { post, server } = await setup(gzip(JSON.stringify(listOf("put_page"))), { server: { bodyLimitBytes: 1000 } });
  assert.equal((await post(list)).status, 502);
  server.behave(gzip(`data: ${JSON.stringify(listOf("put_page"))}\n\n`, "text/event-stream"));
  assert.equal((await post(list)).status, 502);
  server.behave((_request, answer) =>
    void answer.writeHead(200, { "content-type": "application/json" }).end('{"tools":')
  );
  assert.equal((await post(list)).status, 502);
  server.behave(json({ ...listOf("search"), padding: "x".repeat(1000) }));
  assert.equal((await post(list)).status, 502);
  server.behave(dieMidBody('{"jsonrpc":"2.0",', "application/json"));
  assert.equal((await post(list)).status, 502);
});

test("answers without a body, and errors that are no JSON, come through", async () => {
  const { post, server } = await setup((_request, answer) => void answer.writeHead(202).end());
  assert.equal((await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')).status, 202);
  server.behave((_request, answer) => void answer.writeHead(404, { "content-type": "text/plain" }).end("no session"));
  const gone = await post(list);
  assert.deepEqual([gone.status, await gone.text()], [404, "no session"]);
});

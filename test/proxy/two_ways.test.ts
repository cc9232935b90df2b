// On Bun a downstream in the own network is asked by our own client, any other by fetch: nobody can tell which it was.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { type McpProxy, startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";
import { type RawServer, startRawServer } from "../support/raw_server.ts";

const isBun = currentRuntime().name === "bun";

let downstream: RawServer;
let proxies: McpProxy[];
/** What the downstream writes. */
let answer = "";

test("there are two ways", { skip: isBun ? false : "Deno has one" }, () => assert.equal(proxies.length, 2));

before(async () => {
  downstream = await startRawServer((socket) => void socket.end(Buffer.from(answer, "latin1")));
  const url = `http://127.0.0.1:${downstream.port}/mcp`;
  proxies = await Promise.all([false, true].map((viaFetch) => startMcpProxy(url, { viaFetch })));
});
after(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await downstream.stop();
});

/** What a client reads, with the lines of the head in order and without those that the clock writes. */
async function received(
  proxy: McpProxy,
  request: { method?: string; headers?: Record<string, string>; body?: string },
) {
  const { method = "POST", headers = {}, body = "{}" } = request;
  const framing: Record<string, string> = body === "" || "Transfer-Encoding" in headers
    ? {}
    : { "Content-Length": String(body.length) };
  const head = { Authorization: `Bearer ${proxy.token}`, Connection: "close", ...framing, ...headers };
  const exchange = rawRequest(proxy.port, requestHead(method, "/mcp/fake", head) + body);
  const how = await exchange.closed;
  const [first = "", ...rest] = exchange.text().split("\r\n\r\n");
  const lines = first.split("\r\n").filter((line) => !/^date:/i.test(line)).sort();
  return { how, lines, body: rest.join("\r\n\r\n") };
}

for (
  const [what, text] of [
    ["a length", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"],
    [
      "chunks",
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nT: 1\r\n\r\n",
    ],
    ["its end", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"],
    ["its end, over HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}"],
    ["nothing, being empty", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"],
    ["nothing, by its status", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["an interim answer before", "HTTP/1.1 103 Hints\r\nX-A: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    [
      "several fields of a name",
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nVary: a\r\nvary: b\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ["bytes beyond ASCII", "HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 2\r\n\r\n\xff\xfe"],
    ["an odd status", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\n{}"],
    ["an error", "HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\n{}"],
    ["a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}"],
    [
      "an event stream",
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n",
    ],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ] as const
) {
  if (!isBun) break;
  test(`an answer is the same, whoever asked for it: ${what}`, async () => {
    answer = text;
    const [own, fetched] = await Promise.all(proxies.map((proxy) => received(proxy, {})));
    if (what === "no HTTP at all") { // only the reason differs, and only one of them can tell it
      for (const { lines } of [own!, fetched!]) assert.ok(lines.includes("HTTP/1.1 502 Bad Gateway"));
      assert.match(own!.body, /something other than HTTP\/1\.1/);
    } else assert.deepEqual(own, fetched);
  });
}

for (
  const [what, request] of [
    ["a small body", { headers: { "Content-Type": "application/json", "Mcp-Session-Id": "s" } }],
    ["an empty body", { body: "", headers: { "Content-Length": "0" } }],
    ["a large body", { body: `"${"x".repeat(100_000)}"` }],
    ["a body in chunks", { body: "2\r\n{}\r\n0\r\n\r\n", headers: { "Transfer-Encoding": "chunked" } }],
    ["a GET", { method: "GET", body: "", headers: { "Accept": "text/event-stream", "Last-Event-ID": "1" } }],
    ["a DELETE", { method: "DELETE", body: "" }],
    ["bytes beyond ASCII", { headers: { "X-Name": "caf\xe9" } }],
    ["several fields of a name", { headers: { "X-A": "1", "x-a": "2" } }],
    ["odd names", { headers: { "__proto__": "1", "x_y": "2", "!#$": "3" } }],
  ] as const
) {
  if (!isBun) break;
  test(`a request is the same, whoever sends it: ${what}`, async () => {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    const heads: string[][] = [];
    for (const proxy of proxies) {
      const seen = downstream.requests.length;
      await received(proxy, request);
      heads.push(downstream.requests[seen]!.toLowerCase().split("\r\n"));
    }
    const [own, fetched] = heads.map(([line, ...fields]) => [line, ...fields.sort()]);
    // Bun's fetch adds what says nothing over HTTP/1.1 (RFC 9112 §9.3), and who it is where the client does not say.
    const added = [
      "connection: keep-alive",
      "connection: close",
      "accept: */*",
      ...(what === "a DELETE" ? ["content-length: 0"] : []),
    ];
    const told = fetched!.filter((field) => !added.includes(field!) && !field!.startsWith("user-agent: bun/"));
    assert.deepEqual(own, told);
  });
}

test("TRACE would bring the credential back, and CONNECT makes a tunnel: neither is asked (RFC 9110 §9.3.6, §9.3.8)", async () => {
  for (const proxy of proxies) {
    for (const method of ["TRACE", "CONNECT", "HEAD"]) {
      const seen = downstream.requests.length;
      const { lines } = await received(proxy, { method, body: "" });
      assert.ok(lines.some((line) => /^HTTP\/1\.1 4\d\d/.test(line)), `${method}: ${lines}`);
      assert.equal(downstream.requests.length, seen, method);
    }
  }
});

// A legacy HTTP+SSE downstream (MCP 2024-11-05) behind the prefix: S1-47, issue 2 item 8.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeMcpServer, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { type McpProxy, type McpProxyOptions, startMcpProxy } from "../support/mcp_proxy.ts";

/** A downstream that names `endpoint` and answers messages in the stream. */
async function legacyPair(
  endpoint: string,
  options: McpProxyOptions,
  use: (pair: { fake: FakeMcpServer; proxy: McpProxy }) => Promise<void>,
): Promise<void> {
  let stream: { write(text: string): unknown } | undefined;
  const fake = await startFakeMcpServer((request, answer, socket) => {
    if (request.method === "GET") {
      stream = answer;
      answer.writeHead(200, { "content-type": "text/event-stream" });
      return void answer.write(`event: endpoint\r\ndata: ${endpoint}\r\n\r\n`);
    }
    if (!request.url.startsWith("/messages?")) {
      return json({ error: "no such path" }, { status: 404 })(request, answer, socket);
    }
    answer.writeHead(202).end("Accepted");
    stream!.write(`event: message\r\ndata: ${request.body}\r\n\r\n`);
  }, { path: "/sse" });
  const proxy = await startMcpProxy(fake.url, options);
  try {
    await use({ fake, proxy });
  } finally {
    await proxy.stop();
    await fake.close();
  }
}

/** Reads the stream until `wanted` and gives all that came. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: RegExp): Promise<string> {
  let text = "";
  while (!wanted.test(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += new TextDecoder().decode(value);
  }
  return text;
}

const open = async (proxy: McpProxy) => {
  const answer = await proxy.send({ headers: { accept: "text/event-stream" } });
  return answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
};
const endpointIn = (text: string) => /data: (\S+)/.exec(text)![1]!;
const message = { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":1}' };

for (const sseKeepaliveSeconds of [0, 20]) {
  test(`S1-47: messages go through us to the named endpoint and nowhere else, keepalive ${sseKeepaliveSeconds}`, async () => {
    await legacyPair("/messages?session=s%201", { server: { sseKeepaliveSeconds } }, async ({ fake, proxy }) => {
      const reader = await open(proxy);
      const first = await readUntil(reader, /data: .*\r\n\r\n/);
      assert.match(first, /^(: keepalive\n\n)?event: endpoint\r\ndata: \/mcp\/fake\?message_endpoint=\S+\r\n\r\n$/);
      const path = endpointIn(first);
      assert.doesNotMatch(path, /session/, "the reference is sealed");

      assert.equal((await proxy.send({ ...message, path })).status, 202);
      assert.equal(await readUntil(reader, /message/), 'event: message\r\ndata: {"id":1}\r\n\r\n');
      const { url, headers, body } = fake.received.at(-1)!;
      assert.deepEqual([url, headers.authorization, body], ["/messages?session=s%201", "Bearer the-key", '{"id":1}']);

      await proxy.send({ ...message, path: `${path}&also=1` });
      assert.equal(fake.received.at(-1)!.url, "/messages?session=s%201&also=1");
      await reader.cancel();
    });
  });
}

test("S1-47: a message endpoint that was changed, made up, or given to another user is 404 and reaches nobody", async () => {
  await legacyPair("/messages?s=1", {}, async ({ fake, proxy }) => {
    const reader = await open(proxy);
    const path = endpointIn(await readUntil(reader, /data/));
    const before = fake.received.length;
    const other = `Bearer ${await proxy.issue({ grantId: "grant-2" })}`;
    for (
      const attempt of [
        { path: path.slice(0, -3) + "abc" },
        { path: "/mcp/fake?message_endpoint=" },
        { path: `/mcp/fake?message_endpoint=${proxy.token}` },
        { path: `/mcp/fake?message_endpoint=${encodeURIComponent(fake.url)}` },
        { path, headers: { authorization: other } },
      ]
    ) assert.equal((await proxy.send({ ...message, ...attempt })).status, 404, attempt.path);
    assert.equal(fake.received.length, before);
    await reader.cancel();
  });
});

test("S1-47: an endpoint on another origin ends the stream with an error, and the downstream's is closed", async () => {
  await legacyPair("https://evil.example/messages", {}, async ({ fake, proxy }) => {
    const arrived = fake.nextRequest();
    const reader = await open(proxy);
    const text = await readUntil(reader, /never/);
    assert.match(text, /^event: error\ndata: the MCP server named a message endpoint on another origin/);
    assert.doesNotMatch(text, /evil/);
    assert.deepEqual(proxy.logged.map(({ event }) => event).sort(), ["legacy_endpoint_refused", "mcp_request"]);
    await (await arrived).closed;
  });
});

test("a stream opened with a session or resumed is no legacy stream and stays as it is", async () => {
  await legacyPair("/messages?s=1", {}, async ({ proxy }) => {
    for (const name of ["mcp-session-id", "last-event-id"]) {
      const answer = await proxy.send({ headers: { accept: "text/event-stream", [name]: "1" } });
      const reader = answer.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
      assert.equal(await readUntil(reader, /data/), "event: endpoint\r\ndata: /messages?s=1\r\n\r\n");
      await reader.cancel();
    }
  });
});

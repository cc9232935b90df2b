// Streams, limits and answers that are none, as a client sees them: acceptance S1-47, S1-48 and S1-52.
import assert from "node:assert/strict";
import { test } from "node:test";
import { echo, hang, json, redirect, sse } from "../support/fake_mcp_server.ts";
import { type McpPair, post, rawHead, withMcpPair } from "../support/mcp_pair.ts";
import type { McpProxyOptions } from "../support/mcp_proxy.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

const withPair = (options: McpProxyOptions, use: (pair: McpPair) => Promise<void>) =>
  withMcpPair(json({ jsonrpc: "2.0", id: 1, result: {} }), options, use);

test("S1-47: a legacy GET stream comes byte for byte, unbuffered; the client's end reaches the downstream", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(sse([": hi\r\n\r\nevent: x\r\ndata: é\r\n\r\n"]));
    const arrived = fake.nextRequest();
    const abort = new AbortController();
    const answer = await proxy.send({ headers: { accept: "text/event-stream" }, signal: abort.signal });
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    const { value } = await answer.body!.getReader().read();
    assert.equal(new TextDecoder().decode(value), ": hi\r\n\r\nevent: x\r\ndata: é\r\n\r\n");
    abort.abort();
    await (await arrived).closed;
  });
});

test("S1-47: the downstream's end ends the client's stream", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(sse(["data: 1\n\n"], { end: true }));
    assert.equal(await (await proxy.send({})).text(), "data: 1\n\n");
  });
});

test("S1-48: a POST answered with SSE streams event by event, with X-Accel-Buffering: no", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    const more = Promise.withResolvers<void>();
    fake.behave(async (_request, answer) => {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      answer.write("data: progress\n\n");
      await more.promise;
      answer.end("data: result\n\n");
    });
    const answer = await proxy.send(post);
    assert.equal(answer.headers.get("x-accel-buffering"), "no");
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    const reader = answer.body!.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "data: progress\n\n");
    more.resolve();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "data: result\n\n");
    assert.equal((await reader.read()).done, true);
  });
});

test("S1-48: a client that leaves during a POST aborts it at the downstream", async () => {
  await withPair({ server: { sseKeepaliveSeconds: 20 } }, async ({ fake, proxy }) => {
    fake.behave(sse(["data: progress\n\n"]));
    const arrived = fake.nextRequest();
    const client = rawRequest(
      proxy.port,
      requestHead("POST", "/mcp/fake", { Authorization: `Bearer ${proxy.token}`, "Content-Length": "2" }) + "{}",
    );
    await client.until("data: progress");
    client.destroy();
    await (await arrived).closed;
  });
});

test("S1-52: a body beyond the limit is 413, announced or chunked, buffered or streamed", async () => {
  await withPair({ server: { bodyLimitBytes: 100_000 } }, async ({ fake, proxy }) => {
    assert.equal((await proxy.send({ ...post, body: "x".repeat(100_001) })).status, 413);
    assert.equal(fake.received.length, 0);
    const chunked = (size: number) =>
      new ReadableStream({
        start(controller) {
          for (let sent = 0; sent < size; sent += 10_000) controller.enqueue(new Uint8Array(10_000).fill(120));
          controller.close();
        },
      });
    const send = (size: number) => proxy.send({ ...post, body: chunked(size), duplex: "half" } as RequestInit);
    assert.equal((await send(110_000)).status, 413);
    assert.equal((await send(60_000)).status, 200);
    assert.equal((await send(100_000)).status, 200);
    assert.equal((await proxy.send({ ...post, body: "x".repeat(100_000) })).status, 200);
    assert.deepEqual(
      fake.received.filter(({ body }) => !body.endsWith("[broken off]")).map(({ body }) => body.length),
      [60_000, 100_000, 100_000],
    );
  });
});

test("S1-52: a downstream that says nothing is a 504 after the idle limit, and is let go", async () => {
  await withPair({ server: { idleTimeoutSeconds: 0.2 } }, async ({ fake, proxy }) => {
    fake.behave(hang);
    const arrived = fake.nextRequest();
    const answer = await proxy.send(post);
    assert.equal(answer.status, 504);
    assert.match((await answer.json() as { error_description: string }).error_description, /nothing moved for 0.2 s/);
    await (await arrived).closed;
  });
});

test("S1-52: the idle limit also ends a JSON body that stops, but never a quiet event stream", async () => {
  await withPair({ server: { idleTimeoutSeconds: 1, sseKeepaliveSeconds: 20 } }, async ({ fake, proxy }) => {
    const later = Promise.withResolvers<void>();
    fake.behave(async (_request, answer) => {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      answer.write("data: 1\n\n");
      await later.promise;
      answer.end("data: 2\n\n");
    });
    const stream = await proxy.send(post);
    fake.behave((_request, answer) => {
      answer.writeHead(200, { "content-type": "application/json" });
      answer.write("{");
    });
    await assert.rejects(proxy.send(post).then((answer) => answer.text()));
    later.resolve(); // the stream has now been quiet for at least the idle limit
    assert.match(await stream.text(), /data: 1\n\ndata: 2\n\n$/);
  });
});

test("S1-52: a redirect of the downstream is a 502 that names the setting, and is not followed", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(redirect(`http://127.0.0.1:${fake.port}/elsewhere?key=secret`, 307));
    const answer = await proxy.send(post);
    assert.equal(answer.status, 502);
    assert.match((await answer.json() as { error_description: string }).error_description, /redirect .*downstream_url/);
    assert.equal(fake.received.length, 1);
    assert.doesNotMatch(JSON.stringify(proxy.logged), /secret/);
  });
});

test("an answer of several megabytes arrives whole", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(json({ text: "x".repeat(3_000_000) }));
    assert.equal((await (await proxy.send(post)).json() as { text: string }).text.length, 3_000_000);
    fake.behave(echo);
    const body = "y".repeat(2_000_000);
    const echoed = await (await proxy.send({ ...post, body })).json() as { body: string };
    assert.equal(echoed.body.length, body.length);
  });
});

test("an answer of 202 without a body, and a request with Expect: 100-continue, pass", async () => {
  await withMcpPair((_request, answer) => void answer.writeHead(202).end(), {}, async ({ fake, proxy }) => {
    const client = rawRequest(
      proxy.port,
      rawHead(proxy, "POST", { "Content-Length": "2", "Expect": "100-continue", "Connection": "close" }) + "{}",
    );
    await client.until(" 202 ");
    await client.closed;
    assert.deepEqual([fake.received[0]!.body, fake.received[0]!.headers.expect], ["{}", undefined]);
  });
});

for (const sseKeepaliveSeconds of [0, 20]) {
  test(`keepalive ${sseKeepaliveSeconds}: a quiet stream gets its first comment before the downstream says anything`, async () => {
    await withMcpPair(sse([]), { server: { sseKeepaliveSeconds } }, async ({ proxy }) => {
      const client = rawRequest(proxy.port, rawHead(proxy, "GET"));
      await client.until(": keepalive\n\n");
      client.destroy();
    });
  });
}

// Answers of a downstream whose framing lies (RFC 9112 §6): they cost us no memory, and nothing of them becomes another answer.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { post } from "../support/mcp_pair.ts";
import { type McpProxy, startMcpProxy } from "../support/mcp_proxy.ts";
import { startRawServer } from "../support/raw_server.ts";

async function withAnswer(answer: (socket: Socket) => void, use: (proxy: McpProxy) => Promise<void>): Promise<void> {
  const downstream = await startRawServer((socket) => {
    socket.on("error", () => {}); // the proxy may break it off
    answer(socket);
  });
  const proxy = await startMcpProxy(`http://127.0.0.1:${downstream.port}/mcp`, {});
  try {
    await use(proxy);
  } finally {
    await proxy.stop();
    await downstream.stop();
  }
}

const head = (length: number) =>
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nTransfer-Encoding: chunked\r\n\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

for (const announced of [5, 70_000]) {
  test(`beside a transfer coding an announced length of ${announced} means nothing, and does not come down`, async () => {
    const body = "x".repeat(announced) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    await withAnswer((socket) => void socket.write(head(announced) + chunk(body) + chunk("")), async (proxy) => {
      const answer = await proxy.send(post);
      assert.notEqual(answer.headers.get("content-length"), String(announced));
      assert.equal(await answer.text(), body);
    });
  });
}

test("a small announced length does not make us gather a body without an end", async () => {
  const limit = 100_000_000;
  const part = chunk("x".repeat(65_536));
  const gathered = Promise.withResolvers<never>();
  const flood = (socket: Socket) => {
    socket.write(head(5));
    let sent = 0;
    const go = () => {
      while (!socket.destroyed) {
        sent += part.length;
        if (sent > limit) return gathered.reject(new Error(`the proxy took ${limit} bytes before it answered`));
        if (!socket.write(part)) return void socket.once("drain", go);
      }
    };
    go();
  };
  await withAnswer(flood, async (proxy) => {
    const answer = await Promise.race([proxy.send(post), gathered.promise]);
    await answer.body?.cancel();
  });
});

test("a status that is no final one, or none at all, is a 502 and no tunnel through the edge (RFC 9110 §15.2.2)", async () => {
  for (const status of ["101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x", "600 Odd", "999 Odd"]) {
    const text = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n\r\n{}`;
    await withAnswer((socket) => void socket.end(text), async (proxy) => {
      const answer = await proxy.send(post);
      await answer.body?.cancel();
      assert.equal(answer.status, 502, status);
    });
  }
});

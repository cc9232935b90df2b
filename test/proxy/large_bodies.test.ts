// Large bodies arrive byte for byte, also where somebody is slow: the memory of what was passed on is used anew at once, and
// must not be while anybody needs it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import { test } from "node:test";
import { hang, type ReceivedRequest, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { rawHead } from "../support/mcp_pair.ts";
import { type McpProxy, startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest } from "../support/raw_http.ts";

const size = 24_000_000;
/** No two stretches of it are the same. */
const body = Buffer.alloc(size);
for (let i = 0; i + 4 <= size; i += 4) body.writeUInt32LE(Math.imul(i, 2_654_435_761) >>> 0, i);
const wanted = createHash("sha256").update(body).digest("hex");

async function withDownstream(
  { isSlow, isChunked }: { isSlow: boolean; isChunked: boolean },
  use: (proxy: McpProxy, received: Promise<string>) => Promise<void>,
): Promise<void> {
  const received = Promise.withResolvers<string>();
  const server = createServer(async (request, answer) => {
    if (request.method === "GET") {
      answer.writeHead(200, {
        "content-type": "application/octet-stream",
        ...(isChunked ? {} : { "content-length": size }),
      });
      for (let at = 0; at < size; at += 1_000_000) {
        if (!answer.write(body.subarray(at, at + 1_000_000))) {
          await new Promise((drained) => answer.once("drain", drained));
        }
      }
      return void answer.end();
    }
    const hash = createHash("sha256");
    for await (const chunk of request) {
      hash.update(chunk);
      if (isSlow) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    received.resolve(hash.digest("hex"));
    answer.end("{}");
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const proxy = await startMcpProxy(`http://127.0.0.1:${port}/mcp`, { server: { bodyLimitBytes: 2 * size } });
  try {
    await use(proxy, received.promise);
  } finally {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  }
}

/** The body of the answer to a GET, by a client that takes a rest after each piece, or does not. */
function download(proxy: McpProxy, isSlow: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(
      proxy.port,
      "127.0.0.1",
      () => socket.write(rawHead(proxy, "GET", { Connection: "close" })),
    );
    const pieces: Buffer[] = [];
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      if (!isSlow) return;
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
    socket.on("error", reject);
    socket.on("end", () => resolve(createHash("sha256").update(unframed(Buffer.concat(pieces))).digest("hex")));
  });
}

function unframed(answer: Buffer): Buffer {
  const end = answer.indexOf("\r\n\r\n") + 4;
  if (!/transfer-encoding: chunked/i.test(answer.toString("latin1", 0, end))) return answer.subarray(end);
  const pieces: Buffer[] = [];
  for (let at = end;;) {
    const lineEnd = answer.indexOf("\r\n", at);
    const length = Number.parseInt(answer.toString("latin1", at, lineEnd), 16);
    if (length === 0) return Buffer.concat(pieces);
    pieces.push(answer.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + 2 + length + 2;
  }
}

for (const isSlow of [false, true]) {
  for (const isChunked of [false, true]) {
    const how = `${isSlow ? "slow" : "fast"}, ${isChunked ? "in chunks" : "of known length"}`;

    test(`an answer of 24 MB arrives byte for byte: ${how}`, { timeout: 60_000 }, async () => {
      await withDownstream({ isSlow, isChunked }, async (proxy) => {
        assert.equal(await download(proxy, isSlow), wanted);
      });
    });

    test(`a request of 24 MB arrives byte for byte: ${how}`, { timeout: 60_000 }, async () => {
      await withDownstream({ isSlow, isChunked }, async (proxy, received) => {
        const stream = { body: new Blob([body]).stream(), duplex: "half" } as RequestInit;
        const answer = await proxy.send({ method: "POST", ...(isChunked ? stream : { body }) });
        assert.equal(answer.status, 200);
        assert.equal(await received, wanted);
      });
    });
  }
}

test("trap 16: our own body limit answers, not the runtime's", async () => {
  const fake = await startFakeMcpServer(hang, { readBody: false });
  const proxy = await startMcpProxy(fake.url, { server: { bodyLimitBytes: 2 ** 30 } });
  // 200 MB announced, most of it not sent: beyond the runtime's 128 MB, which would be a 413 before any handler.
  const arrived = fake.nextRequest();
  const head = rawHead(proxy, "POST", { "Content-Length": "200000000" });
  const client = rawRequest(proxy.port, head + "x".repeat(100_000));
  const request = await Promise.race([arrived, client.until("413 ")]);
  assert.equal(typeof request, "object", "it went up");
  client.destroy();
  await (request as ReceivedRequest).closed;
  await proxy.stop();
  await fake.close();
});

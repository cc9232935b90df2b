// Streams in numbers and in size: nobody starves beside 2,000 of them, and nobody's slowness fills our memory.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { type Behaviour, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

const streams = 2_000;

/** GET: an open stream; POST: an answer at once. */
const mcp: Behaviour = (request, answer, socket) => {
  if (request.method !== "GET") return json({ result: "at once" })(request, answer, socket);
  answer.writeHead(200, { "content-type": "text/event-stream" });
  answer.write("data: open\n\n");
};

test(
  `trap 4: with ${streams} open streams a POST is answered, and nobody set an environment variable`,
  {
    skip: currentRuntime().name === "bun" ? false : "Deno has no cap on outgoing requests",
    timeout: 60_000,
  },
  async () => {
    const fake = await startFakeMcpServer(mcp);
    const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, ...env } = process.env;
    const program = join(import.meta.dirname!, "../support/streaming_proxy.ts");
    const proxy = spawn(process.execPath, [program, `${fake.url}?key=secret`], { env });
    let errors = "";
    proxy.stderr.on("data", (chunk) => errors += chunk);
    try {
      const { port, token } = JSON.parse(String((await once(proxy.stdout, "data"))[0])) as {
        port: number;
        token: string;
      };
      const head = (method: string) =>
        requestHead(method, "/mcp/fake", { "Authorization": `Bearer ${token}`, "Content-Length": "0" });
      const clients = [];
      // A hundred at a time: more would overflow the queue of waiting connections.
      for (let opened = 0; opened < streams; opened += 100) {
        const batch = Array.from({ length: 100 }, () => rawRequest(port, head("GET")));
        await Promise.all(batch.map((client) => client.until("data: open")));
        clients.push(...batch);
      }
      const post = rawRequest(port, head("POST"));
      await post.until("at once");
      post.destroy();
      assert.equal(clients.length, streams);

      // The downstream dies under them all: nothing of its URL may appear anywhere.
      await fake.close();
      await Promise.all(clients.map((client) => client.closed));
      assert.doesNotMatch(errors, /secret/);
    } finally {
      proxy.kill("SIGKILL");
      await fake.close();
    }
  },
);

const chunk = Buffer.alloc(65_536, "x");
const totalBytes = 256 * 2 ** 20;

/** Writes `totalBytes` as fast as they are taken; `sentBytes` tells how many were. */
function flood(contentType: string): { behaviour: Behaviour; sentBytes: () => number } {
  let sent = 0;
  const write = (answer: ServerResponse): void => {
    while (sent < totalBytes) {
      sent += chunk.length;
      if (!answer.write(chunk)) return void answer.once("drain", () => write(answer));
    }
    answer.end();
  };
  return {
    sentBytes: () => sent,
    behaviour: (request, answer, socket) => {
      if (request.method === "POST") return json({})(request, answer, socket);
      answer.writeHead(200, { "content-type": contentType });
      write(answer);
    },
  };
}

for (const contentType of ["application/json", "text/event-stream"]) {
  test(`a client that stops reading holds the downstream back, ${contentType}`, { timeout: 60_000 }, async () => {
    const { behaviour, sentBytes } = flood(contentType);
    const fake = await startFakeMcpServer(behaviour);
    const proxy = await startMcpProxy(fake.url, { server: { sseKeepaliveSeconds: 20 } });
    const answer = await proxy.send({});
    await stalled(sentBytes, async () => void await (await proxy.send({ method: "POST", body: "{}" })).text());
    assert.ok(sentBytes() < totalBytes / 4, `${sentBytes()} bytes were taken from the downstream`);
    await answer.body!.cancel();
    await proxy.stop();
    await fake.close();
  });
}

test("a downstream that stops reading holds the client back", { timeout: 60_000 }, async () => {
  const fake = await startFakeMcpServer(() => {}, { readBody: "never" });
  const answering = await startFakeMcpServer(json({}));
  const [proxy, other] = await Promise.all(
    [fake, answering].map(({ url }) => startMcpProxy(url, { server: { bodyLimitBytes: 2 ** 30 } })),
  );
  let sent = 0;
  const abort = new AbortController();
  const body = new ReadableStream({
    pull(controller) {
      sent += chunk.length;
      if (sent > totalBytes) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const upload = proxy!.send({ method: "POST", body, duplex: "half", signal: abort.signal } as RequestInit);
  const uploaded = assert.rejects(upload);
  await stalled(() => sent, async () => void await (await other!.send({ method: "POST", body: "{}" })).text());
  assert.ok(sent < totalBytes / 4, `${sent} bytes were taken from the client`);
  abort.abort();
  await uploaded;
  await Promise.all([proxy!.stop(), other!.stop(), fake.close(), answering.close()]);
});

/** Resolves when `value` has begun to rise and then stays for as long as a hundred exchanges take. */
async function stalled(value: () => number, exchange: () => Promise<void>): Promise<void> {
  for (let last = -1; last === -1 || last === 0 || value() !== last;) {
    last = value();
    for (let count = 0; count < 100; count++) await exchange();
  }
}

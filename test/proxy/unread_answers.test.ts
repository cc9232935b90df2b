// An answer that nobody reads to its end does not keep its connection, however it came to that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Behaviour, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { post, rawHead, withMcpPair } from "../support/mcp_pair.ts";
import { startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest } from "../support/raw_http.ts";

/** A head, and the first bytes of a body that does not end. */
const unending = (status: number): Behaviour => (_request, _answer, socket) => {
  socket.write(`HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`);
};

for (const [what, status, expected] of [["has none to pass on", 205, 205], ["is refused", 302, 502]] as const) {
  test(`a body that ${what} (${status}) ends with its connection`, async () => {
    await withMcpPair(unending(status), {}, async ({ fake, proxy }) => {
      const arrived = fake.nextRequest();
      assert.equal((await proxy.send(post)).status, expected);
      await (await arrived).closed;
    });
  });
}

test("S1-46: a 401 whose credential can't be renewed just now ends with its connection", async () => {
  const fake = await startFakeMcpServer(unending(401));
  const proxy = await startMcpProxy(fake.url, {
    strategy: { replace: () => Promise.reject(new Error("the provider is away")) },
  });
  const arrived = fake.nextRequest();
  const answer = await proxy.send(post);
  assert.equal(answer.status, 500);
  await (await arrived).closed;
  await proxy.stop();
  await fake.close();
});

test("a control character that the runtime lets through is the client's mistake, not a failure of anybody else", async () => {
  await withMcpPair((_request, answer) => void answer.end("{}"), {}, async ({ fake, proxy }) => {
    const client = rawRequest(
      proxy.port,
      rawHead(proxy, "POST", { "X-A": "a\x7fb", "Content-Length": "2", "Connection": "close" }) + "{}",
    );
    await client.closed;
    assert.match(client.text(), /^HTTP\/1\.1 (400|200) /);
    if (client.text().startsWith("HTTP/1.1 400")) assert.equal(fake.received.length, 0);
    assert.deepEqual(proxy.logged.filter(({ level }) => level !== "info"), []);
  });
});

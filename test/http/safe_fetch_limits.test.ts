// What a hostile or broken server can send to safe fetch.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { afterEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createSafeFetch, FetchFailedError } from "../../lib/http/safe_fetch.ts";
import { type RawServer, startRawServer } from "../support/raw_server.ts";
import { testAuthority, testCertificates } from "../support/test_certificates.ts";

const servers: RawServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const safeFetch = createSafeFetch({
  resolve: async () => ["127.0.0.1"],
  isAllowedAddress: () => true,
  ca: testAuthority,
});

async function serve(answer: (socket: Socket) => void, certificate: string | undefined = testCertificates.valid) {
  const server = await startRawServer(answer, { certificate });
  servers.push(server);
  return server;
}

/** Limits: 100 bytes; 5 s unless the test is about time. */
function fetchFrom(server: RawServer, timeoutMs = 5_000) {
  return safeFetch(new URL(`https://client.example.com:${server.port}/`), { maxBytes: 100, timeoutMs, accept: "*/*" });
}

const failsWith = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FetchFailedError, String(error));
  assert.match(error.message, pattern);
  return true;
};

for (const status of [300, 301, 302, 303, 304, 305, 307, 308]) {
  test(`safe fetch does not follow a ${status}`, async () => {
    const elsewhere = await serve((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
    const location = `https://client.example.com:${elsewhere.port}/`;
    const server = await serve((socket) =>
      socket.end(`HTTP/1.1 ${status} Elsewhere\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`)
    );
    await assert.rejects(
      fetchFrom(server),
      failsWith(new RegExp(`answered ${status} to ${location}; redirects are not followed`)),
    );
    assert.equal(elsewhere.connections(), 0);
  });
}

const body = (bytes: number) => "x".repeat(bytes);
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${body(bytes)}\r\n`;

test("safe fetch takes a body of exactly the limit, in every framing", async () => {
  for (
    const answer of [
      `HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${body(100)}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(60)}${chunk(40)}0\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n\r\n${body(100)}`,
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${body(100)}`,
    ]
  ) {
    const server = await serve((socket) => socket.end(answer));
    assert.equal((await fetchFrom(server)).body, body(100), answer.slice(0, 60));
  }
});

test("safe fetch refuses one byte more, in every framing", async () => {
  for (
    const answer of [
      `HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n${body(101)}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(60)}${chunk(41)}0\r\n\r\n`,
      `HTTP/1.1 200 OK\r\n\r\n${body(101)}`,
    ]
  ) {
    const server = await serve((socket) => socket.end(answer));
    await assert.rejects(fetchFrom(server), failsWith(/sent more than 100 bytes/), answer.slice(0, 60));
  }
});

test("safe fetch hangs up on an endless body as soon as the limit is passed", async () => {
  const server = await serve((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const more = () => {
      while (!socket.destroyed && socket.write(chunk(50)));
    };
    socket.on("drain", more);
    more();
  });
  await assert.rejects(fetchFrom(server), failsWith(/sent more than 100 bytes/));
  await server.idle();
});

for (
  const [what, start, more] of [
    ["header fields", "HTTP/1.1 200 OK\r\n", "X-A: b\r\n"],
    ["early answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
    ["chunk extensions", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", "a=b;"],
    ["trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "a: b\r\n"],
  ] as const
) {
  test(`safe fetch hangs up on endless ${what} long before its time is over`, async () => {
    const server = await serve((socket) => {
      const block = more.repeat(1_000);
      const flood = () => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on("drain", flood);
      socket.write(start + block);
      flood();
    });
    await assert.rejects(fetchFrom(server, 30_000), failsWith(/framing|overflow|cut off/i));
    await server.idle();
  });
}

test("safe fetch refuses a large Content-Length without waiting for the body", async () => {
  const server = await serve((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"));
  await assert.rejects(fetchFrom(server), failsWith(/sent more than 100 bytes/));
  await server.idle();
});

test("safe fetch decodes nothing: a compressed answer is refused, so a bomb stays small", async () => {
  for (const coding of ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip"]) {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    const server = await serve((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: 90\r\n\r\n`);
      socket.end(bomb.subarray(0, 90));
    });
    await assert.rejects(fetchFrom(server), failsWith(/content coding/), coding);
  }
});

for (
  const [what, answer] of [
    ["never finishes the head", (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\nX-Slow: ")],
    ["says nothing", () => {}],
    ["never sends the body", (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")],
    [
      "stops in the middle of the body",
      (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"),
    ],
    ["sends 103 for ever", (socket: Socket) => {
      const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    }],
    ["drips one byte at a time", (socket: Socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
      const timer = setInterval(() => socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
    }],
  ] as const
) {
  test(`safe fetch gives up and hangs up on a server that ${what}`, async () => {
    const server = await serve(answer);
    await assert.rejects(fetchFrom(server, 300), failsWith(/did not answer in full within 300 ms/));
    await server.idle();
  });
}

test("safe fetch gives up on a server that accepts the connection and never starts TLS", async () => {
  const server = await startRawServer(() => {});
  servers.push(server);
  await assert.rejects(fetchFrom(server, 300), failsWith(/within 300 ms/));
  await server.idle();
});

test("safe fetch counts the lookup into its time", async () => {
  const stuck = createSafeFetch({ resolve: () => new Promise(() => {}) });
  await assert.rejects(
    stuck(new URL("https://client.example.com/"), { maxBytes: 100, timeoutMs: 50, accept: "*/*" }),
    failsWith(/did not answer in full within 50 ms/),
  );
});

for (
  const [what, answer] of [
    ["closes without an answer", ""],
    ["speaks something else", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["closes in the middle of a counted body", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"],
    ["closes in the middle of a chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"],
    ["sends a malformed chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"],
    ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"],
    ["sends a head of 100 kB", `HTTP/1.1 200 OK\r\nX-Big: ${"x".repeat(100_000)}\r\nContent-Length: 0\r\n\r\n`],
    [
      "sends 5 000 header fields",
      `HTTP/1.1 200 OK\r\n${"X-Many: 1234567890\r\n".repeat(5_000)}Content-Length: 0\r\n\r\n`,
    ],
  ] as const
) {
  test(`safe fetch fails cleanly on a server that ${what}`, async () => {
    const server = await serve((socket) => {
      if (answer !== "") socket.write(answer);
      socket.end(); // apart from write(): Deno 2.9.6 never closes a TLS socket after end("")
    });
    await assert.rejects(
      fetchFrom(server),
      failsWith(/^client\.example\.com: |^the answer of client\.example\.com was cut off/),
    );
    await server.idle();
  });
}

test("safe fetch refuses a body that is not UTF-8", async () => {
  const server = await serve((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    socket.end(new Uint8Array([0xc3, 0x28]));
  });
  await assert.rejects(fetchFrom(server), failsWith(/not UTF-8/));
});

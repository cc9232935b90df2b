import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { afterEach, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { UnsafeUrlError } from "../../lib/http/fetch_target.ts";
import {
  createSafeFetch,
  FetchFailedError,
  type SafeFetchOptions,
  type SafeFetchTools,
} from "../../lib/http/safe_fetch.ts";
import { freePort } from "../support/free_port.ts";
import { type RawServer, startRawServer } from "../support/raw_server.ts";
import { testAuthority, testCertificates } from "../support/test_certificates.ts";

const servers: RawServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function serve(
  answer: string | ((socket: Socket) => void),
  certificate: string | undefined = testCertificates.valid,
  where: { host?: string; port?: number } = {},
) {
  const server = await startRawServer(
    (socket) => typeof answer === "string" ? socket.end(answer) : answer(socket),
    { certificate, ...where },
  );
  servers.push(server);
  return server;
}

/** Fetches as production does, but for the name and the authority: client.example.com is on 127.0.0.1. */
function fetchFrom(server: RawServer, tools: SafeFetchTools = {}, options: Partial<SafeFetchOptions> = {}) {
  const safeFetch = createSafeFetch({
    resolve: async () => ["127.0.0.1"],
    isAllowedAddress: (address) => address === "127.0.0.1",
    ca: testAuthority,
    ...tools,
  });
  return safeFetch(new URL(`https://client.example.com:${server.port}/id.json?v=1`), {
    maxBytes: 100,
    timeoutMs: 5_000,
    accept: "application/json",
    ...options,
  });
}

const failsWith = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FetchFailedError, String(error));
  assert.match(error.message, pattern);
  return true;
};

test("safe fetch gives status, headers without cookies, and body", async () => {
  const server = await serve(
    'HTTP/1.1 404 Not Found\r\nCache-Control: max-age=60\r\nCache-Control: public\r\nSet-Cookie: a=b\r\nContent-Length: 8\r\n\r\n{"ä":1}',
  );
  const { status, headers, body } = await fetchFrom(server);
  assert.equal(status, 404);
  assert.equal(headers.get("cache-control"), "max-age=60, public");
  assert.equal(headers.get("set-cookie"), null);
  assert.equal(body, '{"ä":1}');
});

test("safe fetch sends the host of the URL, asks for no coding, and sends nothing that identifies anybody", async () => {
  const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  await fetchFrom(server);
  const [requestLine, ...fields] = server.requests[0]!.split("\r\n");
  assert.equal(requestLine, "GET /id.json?v=1 HTTP/1.1");
  assert.deepEqual(fields.map((field) => field.toLowerCase()).sort(), [
    "accept-encoding: identity",
    "accept: application/json",
    "connection: close",
    `host: client.example.com:${server.port}`,
    "user-agent: mcp-oauth-proxy",
  ]);
});

test("safe fetch names the host in the TLS handshake (RFC 6066 §3)", async () => {
  let serverName: unknown;
  const server = await serve((socket) => {
    serverName = (socket as TLSSocket & { servername?: string }).servername;
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  });
  await fetchFrom(server);
  assert.equal(serverName, "client.example.com");
});

for (const name of ["wrongHost", "expired", "selfSigned", "address"] as const) {
  test(`safe fetch refuses the certificate "${name}" before it sends a request`, async () => {
    const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", testCertificates[name]);
    await assert.rejects(fetchFrom(server), failsWith(/certificate|altnames|expired|self.signed/i));
    assert.deepEqual(server.requests, []);
    assert.equal(server.connections(), 1);
  });
}

test("safe fetch trusts only the runtime's authorities unless a test says otherwise", async () => {
  const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  await assert.rejects(fetchFrom(server, { ca: undefined }), failsWith(/verify|certificate/i));
  assert.deepEqual(server.requests, []);
});

test("safe fetch checks the certificate of an IP literal against that address", async () => {
  for (const [name, expected] of [["address", true], ["valid", false]] as const) {
    const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", testCertificates[name]);
    const safeFetch = createSafeFetch({ isAllowedAddress: (address) => address === "127.0.0.1", ca: testAuthority });
    const fetched = safeFetch(new URL(`https://127.0.0.1:${server.port}/`), {
      maxBytes: 9,
      timeoutMs: 5_000,
      accept: "*/*",
    });
    if (expected) assert.equal((await fetched).body, "{}");
    else await assert.rejects(fetched, failsWith(/altnames/));
  }
});

test("safe fetch is not weakened or redirected by the environment", async () => {
  const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  const impostor = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", testCertificates.selfSigned);
  const hostile = {
    NODE_TLS_REJECT_UNAUTHORIZED: "0",
    HTTPS_PROXY: `http://127.0.0.1:${impostor.port}`,
    ALL_PROXY: `http://127.0.0.1:${impostor.port}`,
    NODE_USE_ENV_PROXY: "1",
  };
  const before = Object.keys(hostile).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, hostile);
  try {
    assert.equal((await fetchFrom(server)).body, "{}");
    assert.equal(impostor.connections(), 0);
    await assert.rejects(fetchFrom(impostor), failsWith(/self.signed/));
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

test("safe fetch resolves once and connects to the address it checked, so DNS rebinding finds nothing", async () => {
  const server = await serve((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
  let lookups = 0;
  // The usual rebinding server: the first answer is harmless, every later one is the victim.
  const resolve = async () => [lookups++ === 0 ? "127.0.0.1" : "127.0.0.2"];
  const tools = { resolve, isAllowedAddress: (address: string) => address === "127.0.0.1" };
  assert.equal((await fetchFrom(server, tools)).body, "{}");
  assert.equal(lookups, 1);
  assert.equal(server.connections(), 1);
  await assert.rejects(fetchFrom(server, tools), UnsafeUrlError);
  assert.equal(lookups, 2);
  assert.equal(server.connections(), 1);
});

test("safe fetch refuses a name when one of its addresses is not public, whatever the order", async () => {
  const server = await serve("HTTP/1.1 200 OK\r\n\r\n");
  for (const addresses of [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "127.0.0.1", "::1"]]) {
    await assert.rejects(fetchFrom(server, { resolve: async () => addresses }), UnsafeUrlError);
  }
  assert.equal(server.connections(), 0);
});

test("safe fetch refuses resolved private addresses and names them to the operator", async () => {
  const options = { maxBytes: 100, timeoutMs: 5_000, accept: "*/*" };
  for (
    const address of [
      "169.254.169.254",
      "10.1.2.3",
      "127.0.0.1",
      "::1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
      "fd00:ec2::254",
    ]
  ) {
    const safeFetch = createSafeFetch({ resolve: async () => [address] });
    await assert.rejects(
      safeFetch(new URL("https://client.example.com/id.json"), options),
      (error) => error instanceof UnsafeUrlError && error.message.includes(`resolves to ${address}`),
    );
  }
});

test("safe fetch tries IPv4 first and the next address when one does not accept connections", async () => {
  // Nobody else may listen on that port of 127.0.0.1.
  const where = { host: "::1", port: await freePort() };
  const server = await serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", testCertificates.valid, where);
  const tools = { resolve: async () => ["::1", "127.0.0.1"], isAllowedAddress: () => true };
  assert.equal((await fetchFrom(server, tools)).body, "{}");
  const alsoOnIpv4 = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n4"), {
    certificate: testCertificates.valid,
    port: server.port,
  });
  servers.push(alsoOnIpv4);
  assert.equal((await fetchFrom(server, tools)).body, "4");
  assert.equal(server.connections(), 1);
});

test("safe fetch reports names that do not resolve", async () => {
  const server = await serve("");
  await assert.rejects(
    fetchFrom(server, { resolve: async () => [] }),
    failsWith(/client\.example\.com has no address/),
  );
  const resolve = () => Promise.reject(new Error("getaddrinfo ENOTFOUND"));
  await assert.rejects(fetchFrom(server, { resolve }), failsWith(/client\.example\.com: getaddrinfo ENOTFOUND/));
});

test("development: safe fetch takes http on loopback and nothing else", async () => {
  const server = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"));
  servers.push(server);
  const safeFetch = createSafeFetch({ resolve: async () => ["127.0.0.1"] });
  const options = { maxBytes: 100, timeoutMs: 5_000, accept: "*/*", allowLoopbackHttp: true };
  for (const host of ["127.0.0.1", "localhost"]) {
    assert.equal((await safeFetch(new URL(`http://${host}:${server.port}/`), options)).body, "{}");
  }
  assert.equal(server.connections(), 2);
  for (
    const url of [
      `http://client.example.com:${server.port}/`,
      `https://client.example.com:${server.port}/`,
      `https://127.0.0.1:${server.port}/`,
      `https://localhost:${server.port}/`,
      `http://127.0.0.2:${server.port}/`,
      `http://localhost.example.com:${server.port}/`,
      `http://10.0.0.1:${server.port}/`,
    ]
  ) await assert.rejects(safeFetch(new URL(url), options), UnsafeUrlError, url);
  await assert.rejects(
    safeFetch(new URL(`http://127.0.0.1:${server.port}/`), { ...options, allowLoopbackHttp: false }),
    UnsafeUrlError,
  );
  assert.equal(server.connections(), 2);
});

// The MCP endpoint as a client sees it: acceptance S1-42 to S1-52.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  echo,
  type FakeMcpServer,
  hang,
  html,
  json,
  redirect,
  sse,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { type McpProxy, type McpProxyOptions, now, startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

interface Pair {
  fake: FakeMcpServer;
  proxy: McpProxy;
}

async function withPair(options: McpProxyOptions, use: (pair: Pair) => Promise<void>): Promise<void> {
  const fake = await startFakeMcpServer(json({ jsonrpc: "2.0", id: 1, result: {} }));
  const proxy = await startMcpProxy(fake.url, options);
  try {
    await use({ fake, proxy });
  } finally {
    await proxy.stop();
    await fake.close();
  }
}

const post: RequestInit = {
  method: "POST",
  headers: { "content-type": "application/json", "accept": "application/json, text/event-stream" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

test("S1-42: the credential goes up as the format says, and the client's Authorization never", async () => {
  for (
    const [authHeaderFormat, header, value] of [
      ["Bearer", "authorization", "Bearer the-key"],
      ["token", "authorization", "token the-key"],
      ["Basic", "authorization", "Basic the-key"],
      ["X-API-Key", "x-api-key", "the-key"],
    ] as const
  ) {
    await withPair({ resource: { authHeaderFormat } }, async ({ fake, proxy }) => {
      const answer = await proxy.send({
        ...post,
        headers: { "x-api-key": "sent by the client", "x_api_key": "sent by the client" },
      });
      assert.equal(answer.status, 200);
      const { rawHeaders, headers } = fake.received[0]!;
      assert.equal(headers[header], value);
      assert.ok(!rawHeaders.join("\n").includes(proxy.token), "the client's token stays here");
      if (header === "x-api-key") {
        assert.equal(headers.authorization, undefined);
        assert.ok(!rawHeaders.includes("sent by the client"), "a copy from the client is dropped, in either spelling");
      }
    });
  }
});

test("a credential that can't stand in a header is a 401 that asks to authorize again, and is not quoted", async () => {
  await withPair({ credential: "two\nlines" }, async ({ fake, proxy }) => {
    const answer = await proxy.send(post);
    assert.equal(answer.status, 401);
    assert.doesNotMatch(await answer.text(), /lines/);
    assert.equal(fake.received.length, 0);
  });
});

test("S1-43: without a bearer token, 401 with a challenge that names the metadata and no error", async () => {
  await withPair({ resource: { scopes: ["read", "write"] } }, async ({ fake, proxy }) => {
    for (const authorization of ["", "Basic dTpw"]) {
      const answer = await proxy.send({ ...post, headers: { authorization } });
      assert.equal(answer.status, 401);
      assert.equal(
        answer.headers.get("www-authenticate"),
        'Bearer scope="read write", ' +
          'resource_metadata="https://proxy.example.com/.well-known/oauth-protected-resource/mcp/fake"',
      );
    }
    assert.equal(fake.received.length, 0);
  });
});

test("S1-44: an empty, garbage, expired or foreign token is 401 invalid_token and reaches nobody", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    for (
      const token of [
        "",
        " ",
        "garbage",
        "a b",
        proxy.token.slice(0, -2),
        await proxy.issue({ expiresAt: now }),
        await proxy.issue({ resource: "https://proxy.example.com/mcp/other" }),
      ]
    ) {
      const answer = await proxy.send({ ...post, headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 401, token);
      assert.match(answer.headers.get("www-authenticate")!, /^Bearer error="invalid_token", /, token);
    }
    assert.equal(fake.received.length, 0);
    const lowerCase = await proxy.send({ ...post, headers: { authorization: `bearer ${proxy.token}` } });
    assert.equal(lowerCase.status, 200);
  });
});

test("S1-45: an unreachable downstream is a 502 that says so without the runtime's words", async () => {
  const fake = await startFakeMcpServer();
  await fake.close();
  const proxy = await startMcpProxy(fake.url);
  const answer = await proxy.send(post);
  assert.equal(answer.status, 502);
  assert.deepEqual(await answer.json(), {
    error: "temporarily_unavailable",
    error_description:
      "the MCP server behind this proxy can't be reached; try again later, or tell the person who runs it",
  });
  assert.deepEqual(proxy.logged.map(({ event }) => event), ["downstream_unreachable"]);
  await proxy.stop();
});

test("S1-45: a host that takes no connection is a 502 after the connect timeout", async () => {
  const proxy = await startMcpProxy("http://127.0.0.1:9/mcp", {
    server: { connectTimeoutSeconds: 0.1 },
    // As a fetch behaves whose connection attempt gets no reply at all; port 9 then refuses the check.
    fetch: ((_url: URL, { signal }: RequestInit) =>
      new Promise((_, reject) =>
        signal!.addEventListener("abort", () => reject(signal!.reason))
      )) as typeof fetch,
  });
  const answer = await proxy.send(post);
  assert.equal(answer.status, 502);
  assert.deepEqual(proxy.logged[0]!.fields.reason, "no connection within 0.1 s");
  await proxy.stop();
});

test("S1-45: a path under the MCP server, or one whose traffic is not carried here, is 404", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    assert.equal((await proxy.send({ ...post, path: "/mcp/fake/secret" })).status, 404);
    assert.equal((await proxy.send({ ...post, path: "/mcp/fake/" })).status, 200);
    assert.equal(fake.received.length, 1);
  });
  await withPair({ resource: { downstreamUrl: undefined } }, async ({ proxy }) => {
    assert.equal((await proxy.send(post)).status, 404);
  });
});

test("S1-46: the downstream's 401 becomes our challenge", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(json({}, { status: 401, headers: { "www-authenticate": 'Bearer resource_metadata="https://evil"' } }));
    const answer = await proxy.send(post);
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate")!, /^Bearer error="invalid_token", /);
    assert.doesNotMatch(answer.headers.get("www-authenticate")!, /evil/);
  });
});

test("S1-46: the downstream's 403 stays one, and insufficient_scope keeps its scope", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    const challenge = 'Bearer error="insufficient_scope", scope="files:write", resource_metadata="https://evil"';
    fake.behave(json({}, { status: 403, headers: { "www-authenticate": challenge } }));
    const stepUp = await proxy.send(post);
    assert.equal(stepUp.status, 403);
    assert.match(stepUp.headers.get("www-authenticate")!, /error="insufficient_scope".*scope="files:write"/);
    assert.doesNotMatch(stepUp.headers.get("www-authenticate")!, /evil/);

    fake.behave(json({ why: "blocked" }, { status: 403 }));
    const blocked = await proxy.send(post);
    assert.equal(blocked.status, 403);
    assert.deepEqual(await blocked.json(), { why: "blocked" });
    assert.equal(blocked.headers.get("www-authenticate"), null);
  });
});

test("S1-46: other statuses pass with their JSON-RPC bodies", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    for (const status of [202, 400, 404, 405, 406, 429, 500, 503]) {
      const body = { jsonrpc: "2.0", error: { code: -32_000, message: `status ${status}` }, id: null };
      fake.behave(json(body, { status, headers: { "retry-after": "7" } }));
      const answer = await proxy.send(post);
      assert.equal(answer.status, status);
      assert.deepEqual(await answer.json(), body);
      assert.equal(answer.headers.get("retry-after"), "7");
    }
    fake.behave((_request, answer) => void answer.writeHead(204).end());
    assert.equal((await proxy.send(post)).status, 204);
  });
});

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

test("S1-49: what MCP, tracing and the client's question need goes up; cookies and the caller's address do not", async () => {
  const up = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "search",
    "mcp-param-region": "eu",
    "mcp-session-id": "s-1",
    "last-event-id": "41",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "user-agent": "client/1",
  };
  const not = {
    "cookie": "a=b",
    "x-forwarded-for": "1.2.3.4",
    "x-auth-request-user": "root",
    "forwarded": "for=1.2.3.4",
  };
  await withPair({}, async ({ fake, proxy }) => {
    await proxy.send({ ...post, path: "/mcp/fake?a=1&b=%20x", headers: { ...up, ...not } });
    const { headers, url, body } = fake.received[0]!;
    for (const [name, value] of Object.entries(up)) assert.equal(headers[name], value, name);
    for (const name of Object.keys(not)) assert.equal(headers[name], undefined, name);
    assert.equal(url, "/mcp?a=1&b=%20x");
    assert.equal(body, post.body);
  });
});

test("S1-49: the client's query is added to the downstream's own", async () => {
  await withPair({}, async ({ fake }) => {
    const proxy = await startMcpProxy(`${fake.url}?tenant=1`);
    await proxy.send({ ...post, path: "/mcp/fake?x=2" });
    assert.equal(fake.received[0]!.url, "/mcp?tenant=1&x=2");
    await proxy.stop();
  });
});

test("S1-49: session, caching and retry headers come back; cookies and CORS of the downstream do not", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    const back = { "mcp-session-id": "s-1", "cache-control": "no-store", "retry-after": "3", "x-request-id": "r" };
    const not = { "set-cookie": ["a=b", "c=d"], "access-control-allow-origin": "*", "x-accel-redirect": "/private" };
    fake.behave(json({}, { headers: { ...back, ...not } }));
    const answer = await proxy.send(post);
    for (const [name, value] of Object.entries(back)) assert.equal(answer.headers.get(name), value, name);
    for (const name of Object.keys(not)) assert.equal(answer.headers.get(name), null, name);
  });
});

test("S1-50: DELETE is forwarded, a 405 for GET or DELETE passes, HEAD opens nothing", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    assert.equal((await proxy.send({ method: "DELETE", headers: { "mcp-session-id": "s-1" } })).status, 200);
    assert.equal(fake.received[0]!.method, "DELETE");
    assert.equal(fake.received[0]!.headers["mcp-session-id"], "s-1");
    fake.behave(json({}, { status: 405, headers: { allow: "POST" } }));
    for (const method of ["GET", "DELETE"]) {
      const answer = await proxy.send({ method });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get("allow"), "POST");
    }
    assert.equal((await proxy.send({ method: "HEAD" })).status, 405);
    assert.equal(fake.received.length, 3);
  });
});

test("S1-51: a foreign Origin is refused before anything else; allowed ones may read answers and challenges", async () => {
  await withPair({ server: { allowedOrigins: ["https://app.example"] } }, async ({ fake, proxy }) => {
    for (const origin of ["https://evil.example", "null", "http://localhost:6274"]) {
      const refused = await proxy.send({ ...post, headers: { origin } });
      assert.equal(refused.status, 403, origin);
      assert.equal(refused.headers.get("access-control-allow-origin"), null);
    }
    assert.equal(fake.received.length, 0);
    for (const origin of ["https://app.example", "https://proxy.example.com"]) {
      const allowed = await proxy.send({ ...post, headers: { origin } });
      assert.equal(allowed.status, 200);
      assert.equal(allowed.headers.get("access-control-allow-origin"), origin);
      assert.match(allowed.headers.get("access-control-expose-headers")!, /WWW-Authenticate.*Mcp-Session-Id/);
      assert.match(allowed.headers.get("vary")!, /Origin/);
    }
    const challenge = await proxy.send({ ...post, headers: { origin: "https://app.example", authorization: "" } });
    assert.equal(challenge.status, 401);
    assert.equal(challenge.headers.get("access-control-allow-origin"), "https://app.example");
    assert.equal(fake.received[0]!.headers.origin, undefined, "the downstream would refuse it");
  });
});

test("S1-51: a preflight is answered here, without a token", async () => {
  await withPair({ server: { allowedOrigins: ["https://app.example"] } }, async ({ fake, proxy }) => {
    const preflight = (origin: string) =>
      fetch(proxy.url, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "mcp-method" },
      });
    const allowed = await preflight("https://app.example");
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get("access-control-allow-headers"), "mcp-method");
    assert.match(allowed.headers.get("access-control-allow-methods")!, /DELETE/);
    assert.equal((await preflight("https://evil.example")).status, 403);
    assert.equal(fake.received.length, 0);
  });
});

test("S1-51: on a loopback public_url any loopback page may call", async () => {
  await withPair({ server: { publicUrl: "http://127.0.0.1:8080" } }, async ({ proxy }) => {
    assert.equal((await proxy.send({ ...post, headers: { origin: "http://localhost:6274" } })).status, 200);
    assert.equal((await proxy.send({ ...post, headers: { origin: "https://evil.example" } })).status, 403);
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
  await withPair({ server: { idleTimeoutSeconds: 0.2, sseKeepaliveSeconds: 20 } }, async ({ fake, proxy }) => {
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

test("a downstream that answers with a web page is a 502 that names the setting", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(html);
    const answer = await proxy.send(post);
    assert.equal(answer.status, 502);
    assert.match(await answer.text(), /web page instead of MCP.*downstream_url/);
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

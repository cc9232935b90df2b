// The MCP endpoint as a client sees it: acceptance S1-42 to S1-46 and S1-49 to S1-51.
import assert from "node:assert/strict";
import { test } from "node:test";
import { html, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { type McpPair, post, withMcpPair } from "../support/mcp_pair.ts";
import { type McpProxyOptions, now, startMcpProxy } from "../support/mcp_proxy.ts";

const withPair = (options: McpProxyOptions, use: (pair: McpPair) => Promise<void>) =>
  withMcpPair(json({ jsonrpc: "2.0", id: 1, result: {} }), options, use);

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
  assert.deepEqual(proxy.logged.map(({ event }) => event), ["downstream_unreachable", "mcp_request"]);
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

test("a downstream that answers with a web page is a 502 that names the setting", async () => {
  await withPair({}, async ({ fake, proxy }) => {
    fake.behave(html);
    const answer = await proxy.send(post);
    assert.equal(answer.status, 502);
    assert.match(await answer.text(), /web page instead of MCP.*downstream_url/);
  });
});

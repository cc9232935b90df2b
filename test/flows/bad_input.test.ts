// Issue 2: bad input gets a clear error and loses nothing: what is too large, doubled or garbage, and a good request right after.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

const bodyLimit = 100_000;

let downstream: RecordingDownstream;
let proxy: ProxyProcess;
let client: TestClient;
let accessToken: string;

before(async () => {
  downstream = await recordingDownstream();
  proxy = await startProxy({
    server: `body_limit = ${bodyLimit}`,
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  client = await createTestClient(proxy.url, "notes");
  accessToken = (await client.signIn()).access_token!;
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

const form = "application/x-www-form-urlencoded";

function post(path: string, type: string, body: BodyInit): Promise<Response> {
  return fetch(`${proxy.url}${path}/mcp/notes`, {
    method: "POST",
    headers: { "content-type": type },
    body,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  } as RequestInit);
}

/** The token from the start still works: whatever came before has cost nothing. */
async function assertNothingLost(): Promise<void> {
  const answer = await client.mcp(accessToken, { method: "POST", body: "{}" });
  assert.deepEqual([answer.status, await answer.json()], [200, { jsonrpc: "2.0", id: 1, result: {} }]);
}

/** 20 KB pieces without an announced length. */
function chunked(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(new Uint8Array(Math.min(left, 20_000)).fill(97));
      left -= 20_000;
    },
  });
}

for (
  const [path, type, error] of [
    ["/token", form, "invalid_request"],
    ["/revoke", form, "invalid_request"],
    ["/register", "application/json", "invalid_request"],
  ] as const
) {
  for (const [how, body] of [["announced", "a".repeat(70_000)], ["chunked", undefined]] as const) {
    test(`S2-07: a body of 70 KB, ${how}, at ${path} is 413 with a JSON error that names the limit`, async () => {
      const answer = await post(path, type, body ?? chunked(70_000));
      assert.equal(answer.status, 413);
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const { error: code, error_description } = await answer.json() as Record<string, string>;
      assert.equal(code, error);
      assert.match(error_description!, /larger than 65536 bytes/);
      await assertNothingLost();
    });
  }
}

test("S2-07: a form of 70 KB at /authorize is a page with 413", async () => {
  const answer = await post("/authorize", form, `request=${"a".repeat(70_000)}`);
  assert.equal(answer.status, 413);
  assert.match(answer.headers.get("content-type")!, /^text\/html/);
  assert.match(await answer.text(), /larger than 65536 bytes/);
});

test("S1-52: a body beyond server.body_limit at the MCP server is 413 and is nowhere half done; one within goes through", async () => {
  for (const body of ["a".repeat(bodyLimit + 1), chunked(bodyLimit + 1)]) {
    const answer = await client.mcp(accessToken, {
      method: "POST",
      body,
      ...(typeof body === "string" ? {} : { duplex: "half" }),
    } as RequestInit);
    assert.equal(answer.status, 413);
    assert.match(await answer.text(), new RegExp(`larger than ${bodyLimit} bytes`));
  }
  const within = await client.mcp(accessToken, { method: "POST", body: "a".repeat(bodyLimit) });
  assert.equal(within.status, 200);
});

test("a request whose body is a hundred times too large is refused without being read to its end", async () => {
  const head = requestHead("POST", "/token/mcp/notes", {
    "Content-Type": form,
    "Content-Length": "6553600",
  });
  const exchange = rawRequest(proxy.port, head + "a".repeat(10_000));
  assert.match(await exchange.until("\r\n\r\n"), /^HTTP\/1\.1 413 /);
  exchange.destroy();
  await assertNothingLost();
});

test("trap 17: headers of 100 KB are refused with 431 (400 on Deno), and the process goes on", async () => {
  const exchange = rawRequest(
    proxy.port,
    requestHead("GET", "/mcp/notes", { Authorization: `Bearer ${"a".repeat(100_000)}`, Connection: "close" }),
  );
  await exchange.closed;
  assert.match(exchange.text(), /^HTTP\/1\.1 4(31|00) /);
  await assertNothingLost();
});

test("S1-11: a repeated parameter is refused at /token and /revoke (RFC 6749 §3.2), whether or not its values agree", async () => {
  for (const [path, body] of [["/token", "grant_type=a&grant_type=a"], ["/revoke", "token=a&token=b"]] as const) {
    const answer = await post(path, form, body);
    const { error, error_description } = await answer.json() as Record<string, string>;
    assert.deepEqual([answer.status, error], [400, "invalid_request"]);
    assert.match(error_description!, /^parameter (grant_type|token) is repeated$/);
  }
});

test("S1-11, RFC 6749 §3.1: a repeated client_id, redirect_uri or state at /authorize is a page, and nobody is redirected", async () => {
  const address = (await client.authorize()).url;
  for (const [name, value] of [["client_id", "x"], ["redirect_uri", redirectUri], ["state", "again"]] as const) {
    const page = await client.browser.get(`${address}&${name}=${encodeURIComponent(value)}`);
    assert.deepEqual([page.status, page.location], [400, undefined], name);
    assert.match(page.html, new RegExp(`Parameter ${name} is repeated`));
  }
});

test("RFC 8707 §2: two resources in one request are invalid_target", async () => {
  const answer = await post("/token", form, "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example");
  assert.deepEqual([answer.status, (await answer.json() as { error: string }).error], [400, "invalid_target"]);
});

test("S1-11: an empty parameter counts as missing", async () => {
  const answer = await client.token({ grant_type: "", client_id: client.clientId });
  assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
  assert.match(answer.body.error_description!, /grant_type is required/);
});

const garbage: Record<string, string> = {
  "one letter": "a",
  "a JWE with nothing in it": "....",
  "a JWE header and garbage":
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoieCJ9..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
  "a JWS that nobody signed": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
  "30 KB of letters": "a".repeat(30_000),
  "percent signs and zeros": "%00%zz\u0000",
};
for (const [what, token] of Object.entries(garbage)) {
  test(`S1-28, S1-44: ${what} is refused as code, refresh token and access token, and revoking it is fine`, async () => {
    assert.deepEqual(refusal(await client.redeem(token)), [400, "invalid_grant"]);
    assert.deepEqual(refusal(await client.refresh(token)), [400, "invalid_grant"]);
    assert.equal((await client.revoke(token)).status, 200); // RFC 7009 §2.2
    if (!token.includes("\u0000")) { // no client can put those into a header
      downstream.requests.length = 0;
      const answer = await client.mcp(token, { method: "POST", body: "{}" });
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get("www-authenticate")!, /error="invalid_token"/);
      assert.equal(downstream.requests.length, 0);
    }
    await assertNothingLost();
  });
}

test("S1-31: tokens of one kind are no good as another", async () => {
  const { access_token, refresh_token } = await client.signIn();
  const code = await client.code("the-key");
  for (const other of [access_token!, refresh_token!]) assert.equal((await client.redeem(other)).status, 400);
  for (const other of [access_token!, code]) assert.equal((await client.refresh(other)).status, 400);
  for (const other of [refresh_token!, code]) assert.equal((await client.mcp(other)).status, 401);
  assert.equal((await client.redeem(code)).status, 200);
});

for (
  const [what, body] of [["no JSON", "{"], ["an array", "[]"], ["a number", "7"], ["null", "null"], [
    "deep nesting",
    "[".repeat(30_000),
  ]] as const
) {
  test(`RFC 7591 §3.2.2: ${what} at /register is invalid_client_metadata`, async () => {
    const answer = await post("/register", "application/json", body);
    const { error, error_description } = await answer.json() as Record<string, string>;
    assert.deepEqual([answer.status, error], [400, "invalid_client_metadata"]);
    assert.ok(error_description);
  });
}

test("paths that decode badly, climb or are very long are answered, not fatal", async () => {
  for (
    const path of [
      "/%",
      "/mcp/%ff",
      "/mcp/%00",
      "/mcp/..%2f..%2fetc",
      "//",
      `/${"a".repeat(8_000)}`,
      "/mcp/constructor",
    ]
  ) {
    const exchange = rawRequest(proxy.port, requestHead("GET", path, { Connection: "close" }));
    await exchange.closed;
    assert.match(exchange.text(), /^HTTP\/1\.1 4\d\d /, path);
  }
  await assertNothingLost();
});

function refusal({ status, body }: { status: number; body: Record<string, unknown> }): [number, unknown] {
  return [status, body.error];
}

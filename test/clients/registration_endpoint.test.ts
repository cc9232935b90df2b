import assert from "node:assert/strict";
import { test } from "node:test";
import { registrationEndpoint } from "../../lib/clients/registration_endpoint.ts";
import { clientTools } from "../support/client_tools.ts";

const metadata = { client_name: "Claude", redirect_uris: ["https://claude.ai/api/mcp/auth_callback"] };

function register(
  body: BodyInit,
  headers: Record<string, string> = { "content-type": "application/json" },
): Promise<Response> {
  const endpoint = registrationEndpoint({ clients: clientTools().clients });
  return endpoint(new Request("https://mcp.example/register", { method: "POST", headers, body }));
}

test("S2-15: a registration is answered with 201, JSON, uncached and readable by browser clients (RFC 7591 §3.2.1)", async () => {
  const response = await register(JSON.stringify(metadata));
  assert.equal(response.status, 201);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("pragma"), "no-cache");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  const information = await response.json();
  assert.equal(information.token_endpoint_auth_method, "none");
  assert.deepEqual(information.redirect_uris, metadata.redirect_uris);
  assert.ok(Object.values(information).every((value) => value !== null && value !== ""));
});

for (const body of ["", "{", "<html>", "null", "[]", "7", '"x"']) {
  test(`S2-17: the body ${JSON.stringify(body)} is refused as invalid_client_metadata`, async () => {
    await assert.rejects(register(body), { code: "invalid_client_metadata", status: 400 });
  });
}

test("S2-17: a disallowed redirect URI is refused as invalid_redirect_uri", async () => {
  const body = JSON.stringify({ redirect_uris: ["https://evil.example/cb"] });
  await assert.rejects(register(body), { code: "invalid_redirect_uri", status: 400 });
});

test("a body of another type is refused; parameters of the type do not matter", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"]) {
    await assert.rejects(register(JSON.stringify(metadata), { "content-type": type }), {
      code: "invalid_client_metadata",
    });
  }
  assert.equal(
    (await register(JSON.stringify(metadata), { "content-type": "Application/JSON; charset=utf-8" })).status,
    201,
  );
});

test("S2-07: a body of more than 64 KiB is refused with 413, whether its length is announced or not", async () => {
  const large = JSON.stringify({ ...metadata, padding: "x".repeat(65_536) });
  await assert.rejects(register(large), { status: 413 });
  const chunks = new ReadableStream({
    start(controller) {
      for (const text of [large.slice(0, 40_000), large.slice(40_000)]) {
        controller.enqueue(new TextEncoder().encode(text));
      }
      controller.close();
    },
  });
  await assert.rejects(register(chunks), { status: 413 });
  const fits = JSON.stringify({ ...metadata, padding: "x".repeat(60_000) });
  assert.equal((await register(fits)).status, 201);
});

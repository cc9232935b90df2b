import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAuthorizationRequest } from "../../lib/oauth/authorization_request.ts";
import { codeRedirect, errorRedirect } from "../../lib/oauth/authorization_response.ts";
import type { OAuthError } from "../../lib/oauth/errors.ts";
import { parseParameters } from "../../lib/oauth/parameters.ts";
import { isSameResource } from "../../lib/oauth/resource_indicator.ts";
import { narrowScope, parseScope } from "../../lib/oauth/scope.ts";

const resource = "https://mcp.example.com/mcp/linear";
const valid = {
  response_type: "code",
  client_id: "c",
  redirect_uri: "https://client.example/cb",
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  code_challenge_method: "S256",
  state: "a b&c=%41",
};
const parse = (changes: Record<string, string | undefined>, supportedScopes: string[] = []) =>
  parseAuthorizationRequest(
    parseParameters(
      new URLSearchParams(
        Object.entries({ ...valid, ...changes }).filter((e): e is [string, string] => e[1] !== undefined),
      ),
    ),
    { resource, supportedScopes },
  );

for (
  const [changes, code] of [
    [{ response_type: undefined }, "invalid_request"],
    [{ response_type: "" }, "invalid_request"],
    [{ response_type: "token" }, "unsupported_response_type"],
    [{ response_type: "code id_token" }, "unsupported_response_type"],
    [{ response_mode: "fragment" }, "invalid_request"],
    [{ code_challenge: undefined }, "invalid_request"],
    [{ code_challenge: "short" }, "invalid_request"],
    [{ code_challenge_method: undefined }, "invalid_request"],
    [{ code_challenge_method: "plain" }, "invalid_request"],
    [{ code_challenge_method: "s256" }, "invalid_request"],
    [{ resource: "https://mcp.example.com/mcp/github" }, "invalid_target"],
    [{ resource: "https://mcp.example.com" }, "invalid_target"],
    [{ request: "eyJ" }, "invalid_request"],
    [{ request_uri: "urn:x" }, "invalid_request"],
  ] as [Record<string, string | undefined>, string][]
) {
  test(`S1-07, S1-11, S1-13: authorize with ${JSON.stringify(changes)} is refused with ${code}`, () => {
    assert.throws(() => parse(changes), (error: OAuthError) => error.code === code);
  });
}

test("S1-12: state comes through byte for byte, and stays absent when it was not sent", () => {
  assert.equal(parse({}).state, "a b&c=%41");
  assert.ok(!("state" in parse({ state: undefined })));
});

test("S1-13: the canonical resource is bound whatever spelling was sent, or none", () => {
  for (
    const spelling of [
      undefined,
      resource,
      "HTTPS://MCP.Example.com/mcp/linear",
      resource + "/",
      "https://mcp.example.com:443/mcp/linear",
    ]
  ) {
    assert.equal(parse({ resource: spelling }).resource, resource);
  }
  for (
    const other of [
      "https://mcp.example.com/mcp/linear?x=1",
      "https://mcp.example.com/MCP/linear",
      "https://u@mcp.example.com/mcp/linear",
      resource + "#f",
      "linear",
    ]
  ) {
    assert.equal(isSameResource(other, resource), false, other);
  }
});

test("scopes that a client invented are narrowed away; nothing known gives the default (RFC 6749 §3.3)", () => {
  assert.deepEqual(parse({ scope: "openid read offline_access" }, ["read", "write"]).scope, ["read"]);
  assert.deepEqual(parse({ scope: "claudeai" }, ["read", "write"]).scope, ["read", "write"]);
  assert.deepEqual(parse({}, ["read"]).scope, ["read"]);
  assert.deepEqual(parse({ scope: "anything" }).scope, []);
});

test("S2-31: scope order and repeats: the request's order, each once; forbidden characters dropped", () => {
  assert.deepEqual(parseScope('  b  a b "x" c\\d '), ["b", "a"]);
  assert.deepEqual(narrowScope(["b", "a"], ["a", "b", "c"]), ["b", "a"]);
});

test("S1-11: a repeated parameter is refused, an empty one counts as absent (RFC 6749 §3.1)", () => {
  assert.throws(
    () => parseParameters(new URLSearchParams("a=1&a=1")),
    (error: OAuthError) => error.code === "invalid_request",
  );
  assert.throws(
    () => parseParameters(new URLSearchParams("a=&a=1")),
    (error: OAuthError) => error.code === "invalid_request",
  );
  assert.throws(
    () => parseParameters(new URLSearchParams("resource=a&resource=b")),
    (error: OAuthError) => error.code === "invalid_target",
  );
  assert.deepEqual({ ...parseParameters(new URLSearchParams("a=&b=2")) }, { b: "2" });
});

test("S1-19: a redirect URI keeps its query and gets the answer after it (RFC 6749 §3.1.2)", () => {
  const answer = { redirectUri: "https://client.example/cb?tenant=1", issuer: resource, state: "s +/=" };
  assert.equal(
    codeRedirect({ ...answer, code: "x" }),
    `https://client.example/cb?tenant=1&code=x&state=s+%2B%2F%3D&iss=${encodeURIComponent(resource)}`,
  );
});

test("S1-06, S1-10: an error answer carries error, description, state and iss (RFC 9207 §2)", () => {
  const url = new URL(
    errorRedirect({
      redirectUri: "http://localhost/cb",
      issuer: resource,
      error: "access_denied",
      description: 'the "user"\nrefused',
      state: "s",
    }),
  );
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    error: "access_denied",
    error_description: "the 'user''refused",
    state: "s",
    iss: resource,
  });
});

// Which headers cross the proxy, in both directions.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldList } from "../../lib/http1/field_list.ts";
import { headersForClient, headersForDownstream } from "../../lib/proxy/headers.ts";

const fieldsOf = (record: Record<string, string>) => new FieldList(Object.entries(record).flat());
const namesOf = (fields: FieldList) => Object.keys(fields.toRecord()).sort();

test("trap 13: hop-by-hop headers and those that Connection names cross in neither direction (RFC 9110 §7.6.1)", () => {
  const hopByHop = {
    "connection": "X-Hop , close",
    "x-hop": "1",
    "keep-alive": "timeout=5",
    "proxy-authenticate": "Basic",
    "proxy-authorization": "Basic x",
    "proxy-connection": "close",
    "te": "trailers",
    "trailer": "x",
    "transfer-encoding": "chunked",
    "upgrade": "websocket",
  };
  assert.deepEqual(namesOf(headersForDownstream(new Headers({ ...hopByHop, "x-end": "1" }))), [
    "accept-encoding",
    "x-end",
  ]);
  assert.deepEqual(namesOf(headersForClient(fieldsOf({ ...hopByHop, "x-end": "1" }))), [
    "content-security-policy",
    "x-content-type-options",
    "x-end",
  ]);
});

test("S1-42: nothing in which a client could claim to be somebody goes up, in either spelling", () => {
  for (
    const name of [
      "authorization",
      "cookie",
      "forwarded",
      "host",
      "origin",
      "remote-user",
      "x-auth-request-email",
      "x_auth_request_user",
      "X-Auth_Request-Groups",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-user",
      "x_forwarded_user",
      "x-original-url",
      "x-real-ip",
      "x-remote-user",
      "x-webauth-user",
      "cf-connecting-ip",
      "fly-client-ip",
      "tailscale-user-login",
      "x-amzn-oidc-identity",
      "x-authentik-username",
      "x-cluster-client-ip",
      "x-envoy-original-dst-host",
      "x-goog-authenticated-user-email",
      "x-goog-iap-jwt-assertion",
      "x-ms-client-principal",
      "x-pomerium-jwt-assertion",
      "x-rewrite-url",
      "x-vouch-user",
    ]
  ) assert.deepEqual(namesOf(headersForDownstream(new Headers({ [name]: "1" }))), ["accept-encoding"], name);
});

test("S1-42: the client's copy of the credential header is dropped, in either spelling", () => {
  for (
    const [own, sent] of [["x-api-key", "X-API-Key"], ["x-api-key", "x_api_key"], ["api_token", "api-token"]] as const
  ) {
    const headers = headersForDownstream(new Headers({ [sent]: "the client's" }), [own, "ours"]);
    assert.equal(headers.get(own), "ours");
    assert.deepEqual(namesOf(headers), ["accept-encoding", own].sort());
  }
});

test("other headers go up as they are, also with an underscore", () => {
  const headers = headersForDownstream(new Headers({ "x_tenant": "1", "mcp-session-id": "s", "tracestate": "a=b" }));
  assert.deepEqual([headers.get("x_tenant"), headers.get("mcp-session-id"), headers.get("tracestate")], [
    "1",
    "s",
    "a=b",
  ]);
});

test("trap 6: the downstream is asked for an unencoded answer, whatever the client can read", () => {
  assert.equal(headersForDownstream(new Headers()).get("accept-encoding"), "identity");
  assert.equal(headersForDownstream(new Headers({ "accept-encoding": "gzip, br" })).get("accept-encoding"), "identity");
});

test("S1-49: nothing that acts on our origin or on the server in front of us comes down", () => {
  for (
    const name of [
      "set-cookie",
      "www-authenticate",
      "access-control-allow-origin",
      "alt-svc",
      "clear-site-data",
      "nel",
      "origin-agent-cluster",
      "refresh",
      "report-to",
      "reporting-endpoints",
      "service-worker-allowed",
      "set-login",
      "strict-transport-security",
      "x-accel-redirect",
      "x-litespeed-location",
      "x-sendfile",
    ]
  ) {
    const headers = headersForClient(fieldsOf({ [name]: "1" }));
    assert.deepEqual(namesOf(headers), ["content-security-policy", "x-content-type-options"], name);
  }
});

test("S1-49: an answer that a browser shows nevertheless runs nothing on our origin, whatever the downstream allows", () => {
  const loose = { "content-security-policy": "default-src *", "content-security-policy-report-only": "report-uri /x" };
  const headers = headersForClient(fieldsOf({ ...loose, "x-content-type-options": "sniff" }));
  assert.deepEqual({ ...headers.toRecord() }, {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
  });
});

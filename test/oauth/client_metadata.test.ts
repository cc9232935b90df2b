import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanName, parseClientMetadata } from "../../lib/oauth/client_metadata.ts";
import type { OAuthError } from "../../lib/oauth/errors.ts";

const redirect_uris = ["https://agent.example/cb"];
const publicKey = { kty: "EC", crv: "P-256", x: "x", y: "y", kid: "1" };

test("redirect URIs are all that a client has to say; the rest has defaults (RFC 7591 §2)", () => {
  assert.deepEqual(parseClientMetadata({ redirect_uris }), {
    redirectUris: redirect_uris,
    grantTypes: ["authorization_code", "refresh_token"],
    tokenEndpointAuthMethod: "none",
    orNone: false,
  });
});

test("null and empty strings count as absent", () => {
  const empty = { client_name: "", grant_types: null, jwks: null, jwks_uri: null, token_endpoint_auth_method: null };
  assert.deepEqual(parseClientMetadata({ redirect_uris, ...empty }), parseClientMetadata({ redirect_uris }));
});

test("grant types, response types and scopes that we don't have are left out, not refused", () => {
  const asked = {
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    response_types: ["token"],
  };
  assert.deepEqual(parseClientMetadata({ redirect_uris, ...asked, scope: "openid admin" }).grantTypes, [
    "authorization_code",
    "refresh_token",
  ]);
  assert.deepEqual(parseClientMetadata({ redirect_uris, grant_types: ["client_credentials"] }).grantTypes, [
    "authorization_code",
  ]);
});

for (
  const [why, metadata, code] of [
    ["is no object", ["x"], "invalid_client_metadata"],
    ["is null", null, "invalid_client_metadata"],
    ["is text", "{}", "invalid_client_metadata"],
    ["has no redirect URIs", {}, "invalid_redirect_uri"],
    ["has an empty list of them", { redirect_uris: [] }, "invalid_redirect_uri"],
    ["has one as text", { redirect_uris: "https://agent.example/cb" }, "invalid_redirect_uri"],
    ["has a number among them", { redirect_uris: ["https://agent.example/cb", 1] }, "invalid_redirect_uri"],
    [
      "has eleven",
      { redirect_uris: Array.from({ length: 11 }, (_, i) => `https://agent.example/${i}`) },
      "invalid_redirect_uri",
    ],
    ["has a name that is no text", { redirect_uris, client_name: { en: "x" } }, "invalid_client_metadata"],
    ["has grant types that are text", { redirect_uris, grant_types: "authorization_code" }, "invalid_client_metadata"],
    ["has response types that are text", { redirect_uris, response_types: "code" }, "invalid_client_metadata"],
    [
      "wants client_secret_jwt",
      { redirect_uris, token_endpoint_auth_method: "client_secret_jwt" },
      "invalid_client_metadata",
    ],
    ["wants a method that is no text", { redirect_uris, token_endpoint_auth_method: 1 }, "invalid_client_metadata"],
    [
      "wants private_key_jwt without keys",
      { redirect_uris, token_endpoint_auth_method: "private_key_jwt" },
      "invalid_client_metadata",
    ],
    ["has both jwks and jwks_uri", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [publicKey] },
      jwks_uri: "https://agent.example/jwks",
    }, "invalid_client_metadata"],
    ["has a private key in jwks", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [{ ...publicKey, d: "d" }] },
    }, "invalid_client_metadata"],
    ["has a symmetric key in jwks", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [{ kty: "oct", k: "k" }] },
    }, "invalid_client_metadata"],
    ["has an empty jwks", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [] },
    }, "invalid_client_metadata"],
    ["has a jwks_uri that is no URL", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: "jwks.json",
    }, "invalid_client_metadata"],
    ["has a jwks_uri of http", {
      redirect_uris,
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: "http://agent.example/jwks.json",
    }, "invalid_client_metadata"],
  ] as [string, unknown, string][]
) {
  test(`metadata is refused when it ${why} (RFC 7591 §3.2.2)`, () => {
    assert.throws(() => parseClientMetadata(metadata), (error: OAuthError) => error.code === code);
  });
}

test("a method we don't have gives way to one that the client lists besides", () => {
  const listed = {
    token_endpoint_auth_method: "tls_client_auth",
    token_endpoint_auth_methods_supported: ["tls_client_auth", "none"],
  };
  assert.equal(parseClientMetadata({ redirect_uris, ...listed }).tokenEndpointAuthMethod, "none");
});

test("private_key_jwt with none besides it, as ChatGPT has it, leaves both open", () => {
  const { tokenEndpointAuthMethod, orNone, jwksUri } = parseClientMetadata({
    redirect_uris,
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
    jwks_uri: "https://agent.example/jwks",
  });
  assert.deepEqual([tokenEndpointAuthMethod, orNone, jwksUri], ["private_key_jwt", true, "https://agent.example/jwks"]);
});

test("a public key keeps its flat members; what is nested is ignored and not written (RFC 7517 §4)", () => {
  const nested = JSON.parse("[".repeat(30_000) + "]".repeat(30_000)) as unknown;
  const key = { ...publicKey, x5c: ["a", "b"], key_ops: [], ext: true };
  const { jwks } = parseClientMetadata({
    redirect_uris,
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [{ ...key, deep: nested, object: {} }], other: nested },
  });
  assert.deepEqual(JSON.parse(jwks!), { keys: [key] });
});

for (
  const [name, clean] of [
    ["Claude", "Claude"],
    ["  Claude \n\t Code ", "Claude Code"],
    ["Claude\u0000\u0007\u001b[31m", "Claude[31m"],
    ["\u202eedualC\u202c", "edualC"],
    ["Cl\u200baude\u2066\u2069\ufeff", "Claude"],
    ["a\u2028b\u2029c", "a b c"],
    ["e\u0301\u0301\u0301\u0301\u0301\u0301", "é\u0301\u0301"],
    ["<b>x</b>", "<b>x</b>"],
    ["\ud800", ""],
    ["x".repeat(80), "x".repeat(80)],
    ["x".repeat(81), `${"x".repeat(79)}…`],
    ["\u{1F600}".repeat(100), `${"\u{1F600}".repeat(79)}…`],
  ] as const
) {
  test(`the name ${JSON.stringify(name.slice(0, 20))} is shown as ${JSON.stringify(clean.slice(0, 20))}`, () => {
    assert.equal(cleanName(name), clean);
  });
}

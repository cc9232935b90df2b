// What strangers say about their client: as a document at their own URL, or when they register.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createClients } from "../../lib/clients/create_clients.ts";
import { secret } from "../../lib/config/secrets.ts";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { parseRedirectUri } from "../../lib/oauth/redirect_uri.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { mutated, oddText } from "../support/arbitraries.ts";
import { fakeDocuments } from "../support/fake_documents.ts";
import { property } from "../support/property.ts";
import { recordedLog } from "../support/recorded_log.ts";

const good = ["https://claude.ai/api/mcp/auth_callback", "http://127.0.0.1:33418/callback", "http://localhost/cb"];
const allowed = (uri: string) =>
  good.includes(uri) || /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?([/?].*)?$/i.test(uri);
const now = 1_900_000_000;
const { log } = recordedLog();

function clientsWith(web = fakeDocuments()) {
  return createClients({
    config: {
      clientIdMetadataDocuments: true,
      dynamicRegistration: true,
      redirects: ["claude", "loopback"],
      allowLoopbackMetadata: false,
      preRegistered: [],
    },
    sealer: createSealer([secret(Buffer.alloc(32, 7).toString("base64"))], () => now),
    safeFetch: web.safeFetch,
    now: () => now,
    log,
  });
}

const deep = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
const wrong: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue({ maxDepth: 2 }), oddText);
const key = fc.record({ kty: fc.constantFrom("EC", "RSA", "oct"), kid: oddText, d: wrong, k: wrong, x: wrong }, {
  requiredKeys: ["kty"],
});
const method = fc.constantFrom(
  "none",
  "client_secret_basic",
  "client_secret_post",
  "private_key_jwt",
  "tls_client_auth",
);
/** @param depth how deep a JWK may be nested: as many brackets as fit into what is read */
const metadataOf = (depth: number) =>
  fc.record({
    redirect_uris: fc.oneof(
      fc.array(fc.oneof(fc.constantFrom(...good), mutated(fc.constantFrom(...good)), oddText), { maxLength: 12 }),
      wrong,
    ),
    client_name: fc.oneof(oddText, oddText.map((text) => text.repeat(20)), wrong),
    grant_types: fc.oneof(fc.array(fc.constantFrom("authorization_code", "refresh_token", "implicit")), wrong),
    response_types: fc.oneof(fc.constant(["code"]), wrong),
    token_endpoint_auth_method: fc.oneof({ weight: 4, arbitrary: method }, { weight: 1, arbitrary: wrong }),
    token_endpoint_auth_methods_supported: fc.oneof(fc.array(method), wrong),
    jwks: fc.oneof(
      { weight: 6, arbitrary: fc.record({ keys: fc.array(key, { maxLength: 2 }) }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: depth }).map((depth) => ({ keys: [{ x: deep(depth) }] })) },
      { weight: 2, arbitrary: wrong },
    ),
    jwks_uri: fc.oneof(
      fc.constant("https://client.example/jwks.json"),
      mutated(fc.constant("https://client.example/jwks.json")),
      wrong,
    ),
    application_type: fc.oneof(fc.constantFrom("native", "web"), wrong),
    client_secret: wrong,
    client_uri: wrong,
    ["__proto__"]: wrong,
  }, { requiredKeys: ["redirect_uris"] });

function checkRefusal(error: unknown, ...codes: string[]): undefined {
  assert.ok(error instanceof OAuthError, String(error));
  assert.ok(codes.includes(error.code), error.code);
}

property(
  "S2: what registers is a client with redirect URIs that the policy allows, or is told why not in the words of RFC 7591 §3.2.2",
  {
    runs: 150,
    of: [
      fc.oneof<fc.WeightedArbitrary<unknown>[]>({ weight: 9, arbitrary: metadataOf(30_000) }, {
        weight: 1,
        arbitrary: wrong,
      }),
    ],
  },
  async (asked) => {
    const clients = clientsWith();
    const started = performance.now();
    const information = await clients.register(asked).catch((error: unknown) =>
      checkRefusal(error, "invalid_client_metadata", "invalid_redirect_uri")
    );
    assert.ok(performance.now() - started < 3_000, `${performance.now() - started} ms`);
    if (information === undefined) return;
    const uris = information.redirect_uris as string[];
    for (const uri of uris) assert.ok(parseRedirectUri(uri) !== undefined && allowed(uri), uri);
    const client = await clients.find(String(information.client_id));
    assert.deepEqual([client.redirectUris, client.trusted, client.source], [uris, false, "dynamic"]);
    assert.doesNotMatch(client.name, /\p{C}|\n/u);
    assert.ok([...client.name].length <= 80);
    assert.doesNotMatch(JSON.stringify(information.jwks ?? ""), /"[dk]":/);
  },
);

const documentUrl = fc.constantFrom(
  "https://client.example/id.json",
  "https://client.example:8443/a/b?v=1",
  "https://xn--bcher-kva.example/x",
);

property(
  "a metadata document makes the client of exactly its URL, with allowed redirect URIs and no secret, or none at all",
  {
    runs: 150,
    of: [
      documentUrl,
      metadataOf(2_000),
      fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: wrong }),
    ],
  },
  async (url, document, otherId) => {
    const web = fakeDocuments();
    web.documents.set(url, { body: { ...document, client_id: otherId ?? url } });
    const client = await clientsWith(web).find(url).catch((error: unknown) =>
      checkRefusal(error, "invalid_client", "temporarily_unavailable")
    );
    if (client === undefined) return;
    assert.equal(otherId ?? url, url);
    assert.equal("client_secret" in document, false);
    assert.deepEqual([client.clientId, client.verifiedHost], [url, new URL(url).host]);
    for (const uri of client.redirectUris) assert.ok(parseRedirectUri(uri) !== undefined && allowed(uri), uri);
    assert.ok(["none", "private_key_jwt"].includes(client.authentication.method));
    assert.doesNotMatch(client.name, /\p{C}|\n/u);
  },
);

property("a client_id that is a URL is asked for in exactly one spelling, as https, or not at all", {
  runs: 250,
  of: [fc.oneof(mutated(documentUrl), mutated(mutated(documentUrl)), oddText.map((text) => `https://${text}`))],
}, async (clientId) => {
  const web = fakeDocuments();
  await clientsWith(web).find(clientId).catch((error: unknown) =>
    checkRefusal(error, "invalid_client", "temporarily_unavailable")
  );
  for (const url of web.fetched) {
    assert.equal(url, clientId);
    assert.match(url, /^https:\/\/[^@\\#\s]+\/[^\\#\s]+$/);
    assert.doesNotMatch(decodeURIComponent(url.split("?")[0]!.replace(/%(?!2e)/gi, "%25")), /\/\.\.?(\/|$)/);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { authenticateClient } from "../../lib/clients/client_authentication.ts";
import { type Store, StoreUnavailableError } from "../../lib/store/store.ts";
import { type ClientTools, clientTools } from "../support/client_tools.ts";

const clientId = "https://chatgpt.com/oauth/kDmjx77UnKOM/client.json";
const jwksUri = "https://chatgpt.com/oauth/jwks.json";
const token = "https://mcp.example/token/mcp/a";
const issuer = "https://mcp.example/mcp/a";
const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** As ChatGPT publishes it. */
const chatgpt = {
  client_id: clientId,
  client_uri: "https://chatgpt.com/",
  redirect_uris: ["https://chatgpt.com/connector/oauth/kDmjx77UnKOM"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  client_name: "ChatGPT",
  token_endpoint_auth_method: "private_key_jwt",
  token_endpoint_auth_signing_alg: "RS256",
  jwks_uri: jwksUri,
};

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;
const rsa = await generateKeyPair("RS256", { extractable: true });
const other = await generateKeyPair("RS256", { extractable: true });

async function publicJwk(pair: KeyPair, kid?: string): Promise<JWK> {
  return { ...await exportJWK(pair.publicKey), ...(kid === undefined ? {} : { kid }) };
}

async function setUp(document: Record<string, unknown> = chatgpt): Promise<ClientTools> {
  const tools = clientTools();
  tools.documents.set(clientId, { body: document });
  tools.documents.set(jwksUri, { body: { keys: [await publicJwk(rsa, "k1")] } });
  return tools;
}

interface Signing {
  claims?: JWTPayload;
  header?: Record<string, unknown>;
  key?: KeyPair["privateKey"] | Uint8Array;
}

function sign({ now }: ClientTools, { claims = {}, header = {}, key = rsa.privateKey }: Signing = {}): Promise<string> {
  const payload = { iss: clientId, sub: clientId, aud: token, iat: now(), exp: now() + 300, jti: "j1", ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "k1", ...header }).sign(key);
}

function authenticate(
  tools: ClientTools & { store: Store },
  assertion: string,
  parameters: Record<string, string> = {},
) {
  return authenticateClient(tools, {
    authorization: null,
    parameters: { client_id: clientId, client_assertion: assertion, client_assertion_type: jwtBearer, ...parameters },
    audiences: [token, issuer],
  });
}

test("ChatGPT's document and an assertion signed with its key authenticate (RFC 7523 §3)", async () => {
  const tools = await setUp();
  assert.equal((await authenticate(tools, await sign(tools))).name, "ChatGPT");
  assert.deepEqual(tools.fetched, [clientId, jwksUri]);
});

test("the issuer is an audience too, alone in a list as well, and client_id may be left to the assertion", async () => {
  const tools = await setUp();
  const assertion = await sign(tools, { claims: { aud: [issuer] } });
  const client = await authenticateClient(tools, {
    authorization: null,
    parameters: { client_assertion: assertion, client_assertion_type: jwtBearer },
    audiences: [token, issuer],
  });
  assert.equal(client.clientId, clientId);
});

for (
  const [what, signing] of [
    ["for another token endpoint", { claims: { aud: "https://evil.example/token" } }],
    ["for an audience that differs by a slash", { claims: { aud: `${token}/` } }],
    ["for us and for somebody else", { claims: { aud: [token, "https://evil.example/token"] } }],
    ["for nobody", { claims: { aud: undefined } }],
    ["for an empty list", { claims: { aud: [] } }],
    ["from another issuer", { claims: { iss: "https://evil.example/client.json" } }],
    ["without an issuer", { claims: { iss: undefined } }],
    ["about another client", { claims: { sub: "https://evil.example/client.json" } }],
    ["without a subject", { claims: { sub: undefined } }],
    ["that is expired", { claims: { exp: 1_800_000_000 - 61 } }],
    ["without an end", { claims: { exp: undefined } }],
    ["that ends in a day", { claims: { exp: 1_800_000_000 + 86_400 } }],
    ["that begins in an hour", { claims: { nbf: 1_800_000_000 + 3_600 } }],
    ["without a jti", { claims: { jti: undefined } }],
    ["with an empty jti", { claims: { jti: "" } }],
    ["with a jti that is no text", { claims: { jti: 1 as unknown as string } }],
    ["signed with another key", { key: other.privateKey }],
    ["that names a key we don't have", { header: { kid: "k2" } }],
  ] as [string, Signing][]
) {
  test(`an assertion is refused ${what}: invalid_client`, async () => {
    const tools = await setUp();
    await assert.rejects(authenticate(tools, await sign(tools, signing)), { code: "invalid_client", status: 401 });
  });
}

test("an assertion works once, and again with another jti; two at the same time are not both accepted", async () => {
  const tools = await setUp();
  const assertion = await sign(tools);
  const both = await Promise.allSettled([authenticate(tools, assertion), authenticate(tools, assertion)]);
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  await assert.rejects(authenticate(tools, assertion), { code: "invalid_client", message: /already used/ });
  await authenticate(tools, await sign(tools, { claims: { jti: "j2" } }));
});

test("an assertion that failed is not used up", async () => {
  const tools = await setUp();
  await assert.rejects(authenticate(tools, await sign(tools, { claims: { aud: "https://evil.example" } })));
  await authenticate(tools, await sign(tools));
});

test("a store that is out of order does not lock clients out", async () => {
  const tools = await setUp();
  const store = { ...tools.store, putIfAbsent: () => Promise.reject(new StoreUnavailableError("down")) };
  await authenticate({ ...tools, store }, await sign(tools));
  assert.equal(tools.events.at(-1)?.event, "assertion_not_claimed");
});

test("alg none is refused, signature or not (RFC 8725 §3.2)", async () => {
  const tools = await setUp();
  const [, payload, signature] = (await sign(tools)).split(".");
  for (const alg of ["none", "None", ""]) {
    const header = Buffer.from(JSON.stringify({ alg, kid: "k1" })).toString("base64url");
    for (const assertion of [`${header}.${payload}.`, `${header}.${payload}.${signature}`]) {
      await assert.rejects(authenticate(tools, assertion), { code: "invalid_client" });
    }
  }
});

test("the public key is not accepted as an HMAC secret (RFC 8725 §2.1)", async () => {
  const tools = await setUp();
  const pem = await exportSPKI(rsa.publicKey);
  for (const key of [pem, pem.trim(), JSON.stringify(await publicJwk(rsa, "k1"))]) {
    for (const alg of ["HS256", "HS384", "HS512"]) {
      const assertion = await sign(tools, { header: { alg }, key: new TextEncoder().encode(key) });
      await assert.rejects(authenticate(tools, assertion), {
        code: "invalid_client",
        message: /must be signed with one of/,
      });
    }
  }
});

test("keys that the assertion brings along do not count (RFC 7515 §4.1.2 and §4.1.3)", async () => {
  const tools = await setUp();
  tools.documents.set("https://evil.example/jwks", { body: { keys: [await publicJwk(other, "k1")] } });
  const header = { jwk: await publicJwk(other), jku: "https://evil.example/jwks" };
  await assert.rejects(authenticate(tools, await sign(tools, { key: other.privateKey, header })), {
    code: "invalid_client",
  });
  assert.ok(!tools.fetched.includes("https://evil.example/jwks"));
});

test("an assertion that was changed or is no JWT is refused", async () => {
  const tools = await setUp();
  const assertion = await sign(tools);
  const [header, payload, signature] = assertion.split(".");
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload!, "base64url").toString()), jti: "x" }))
    .toString("base64url");
  for (const text of [`${header}.${forged}.${signature}`, `${header}.${payload}`, "a.b.c", "x", "x".repeat(10_000)]) {
    await assert.rejects(authenticate(tools, text), { code: "invalid_client" });
  }
});

test("a key that the client has just begun to use is fetched, at most every 30 seconds", async () => {
  const tools = await setUp();
  await authenticate(tools, await sign(tools));
  tools.documents.set(jwksUri, { body: { keys: [await publicJwk(rsa, "k1"), await publicJwk(other, "k2")] } });
  const withNewKey = (jti: string) => sign(tools, { key: other.privateKey, header: { kid: "k2" }, claims: { jti } });
  await assert.rejects(authenticate(tools, await withNewKey("j2")), { code: "invalid_client" });
  assert.equal(tools.fetched.length, 2, "a stranger can't make us fetch by inventing key ids");
  tools.clock.now += 30;
  await authenticate(tools, await withNewKey("j3"));
  await assert.rejects(authenticate(tools, await sign(tools, { header: { kid: "k3" } })), { code: "invalid_client" });
  assert.equal(tools.fetched.length, 3);
});

test("several keys without a kid are all tried", async () => {
  const tools = await setUp();
  tools.documents.set(jwksUri, { body: { keys: [await publicJwk(other), await publicJwk(rsa)] } });
  await authenticate(tools, await sign(tools, { header: { kid: undefined } }));
  const stranger = await generateKeyPair("RS256");
  const assertion = await sign(tools, { header: { kid: undefined }, key: stranger.privateKey, claims: { jti: "j2" } });
  await assert.rejects(authenticate(tools, assertion), { code: "invalid_client" });
});

test("a JWK Set of hundreds of keys is refused: each of them would be tried for whoever asks", async () => {
  const tools = await setUp();
  const key = await publicJwk(rsa);
  tools.documents.set(jwksUri, { body: { keys: Array.from({ length: 100 }, () => key) } });
  await assert.rejects(authenticate(tools, await sign(tools, { header: { kid: undefined } })), {
    code: "invalid_client",
    message: "jwks must hold at most 32 keys",
  });
});

for (const alg of ["PS256", "ES256", "ES384", "EdDSA", "Ed25519"]) {
  test(`${alg} with inline jwks of a dynamically registered client works`, async () => {
    const tools = clientTools();
    const pair = await generateKeyPair(alg, { extractable: true });
    const { client_id, jwks } = await tools.clients.register({
      redirect_uris: ["http://localhost/cb"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [await publicJwk(pair)] },
    });
    assert.equal((jwks as { keys: unknown[] }).keys.length, 1);
    const id = client_id as string;
    const assertion = await sign(tools, {
      header: { alg, kid: undefined },
      key: pair.privateKey,
      claims: { iss: id, sub: id },
    });
    assert.equal((await authenticate(tools, assertion, { client_id: id })).clientId, id);
  });
}

test("who registered private_key_jwt alone can't come without an assertion or with a secret", async () => {
  const tools = await setUp();
  for (const secret of [{}, { client_secret: "x" }] as Record<string, string>[]) {
    const parameters = { client_id: clientId, ...secret };
    const answer = authenticateClient(tools, { authorization: null, parameters, audiences: [token] });
    await assert.rejects(answer, { code: "invalid_client", message: /private_key_jwt/ });
  }
});

test("who lists none as well may come without; an assertion that is sent is still checked", async () => {
  const tools = await setUp({ ...chatgpt, token_endpoint_auth_methods_supported: ["none", "private_key_jwt"] });
  const client = await authenticateClient(tools, {
    authorization: null,
    parameters: { client_id: clientId },
    audiences: [token],
  });
  assert.equal(client.name, "ChatGPT");
  await authenticate(tools, await sign(tools));
  await assert.rejects(authenticate(tools, await sign(tools, { key: other.privateKey })), { code: "invalid_client" });
});

for (
  const [what, answer, code] of [
    ["can't be reached", undefined, "temporarily_unavailable"],
    ["is no JWK Set", { body: { k: [] } }, "invalid_client"],
    ["holds a private key", { body: { keys: [await exportJWK(rsa.privateKey)] } }, "invalid_client"],
    ["holds a secret", { body: { keys: [{ kty: "oct", k: "AA", kid: "k1" }] } }, "invalid_client"],
    ["holds broken keys", { body: { keys: [{ kty: "RSA", kid: "k1" }] } }, "invalid_client"],
  ] as const
) {
  test(`a jwks_uri that ${what} gives ${code}`, async () => {
    const tools = await setUp();
    if (answer === undefined) tools.documents.delete(jwksUri);
    else tools.documents.set(jwksUri, answer);
    await assert.rejects(authenticate(tools, await sign(tools)), { code });
  });
}

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { secret } from "../../lib/config/secrets.ts";
import { createDerivedKeys, createFixedKey } from "../../lib/tokens/signing_keys.ts";

const state = secret(randomBytes(32).toString("base64"));
const older = secret(randomBytes(32).toString("base64"));
const day = 86_400;
const keysAt = (now: number, secrets = [state]) =>
  createDerivedKeys({ secrets, rotationSeconds: day, tokenTtlSeconds: 3600, now: () => now });

test("D5: replicas and restarts agree on the key without storage, and it changes with the period", () => {
  assert.equal(keysAt(10 * day).current().kid, keysAt(11 * day - 1).current().kid);
  assert.notEqual(keysAt(10 * day).current().kid, keysAt(11 * day).current().kid);
  assert.notEqual(keysAt(10 * day).current().kid, keysAt(10 * day, [older]).current().kid);
});

test("D5, S2-13: the JWKS shows previous, current and next key, public members only", () => {
  const { keys } = keysAt(10 * day).jwks();
  assert.deepEqual(keys.map((key) => key.kid), [9, 10, 11].map((period) => keysAt(period * day).current().kid));
  for (const key of keys) {
    assert.deepEqual(Object.keys(key).sort(), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
  }
});

test("S2-47: a token signed in the last second of a period verifies in the next period and not in the one after", () => {
  const { kid } = keysAt(11 * day - 1).current();
  assert.ok(keysAt(11 * day).find(kid));
  assert.equal(keysAt(12 * day).find(kid), undefined);
});

test("rotating the state secret keeps the older keys verifying", () => {
  const before = keysAt(10 * day, [older]).current();
  const after = keysAt(10 * day, [state, older]);
  assert.ok(after.find(before.kid));
  assert.notEqual(after.current().kid, before.kid);
});

test("looking for a key that nobody has derives none: anybody may send tokens that name one", () => {
  const keys = createDerivedKeys({
    secrets: [state],
    rotationSeconds: 3600,
    tokenTtlSeconds: 7 * day,
    now: () => 10 * day,
  });
  const lookUp = () => {
    const started = performance.now();
    assert.equal(keys.find("made-up"), undefined);
    return performance.now() - started;
  };
  const first = lookUp();
  const later = Math.min(...Array.from({ length: 5 }, lookUp));
  assert.ok(later < first / 4, `${later} ms after ${first} ms`);
});

test("what a derived key signs, anybody verifies with the JWKS (RFC 7517)", async () => {
  const keys = keysAt(10 * day);
  const { alg, kid, privateKey } = keys.current();
  const token = await new SignJWT({ sub: "a" }).setProtectedHeader({ alg, kid }).sign(privateKey);
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys.jwks()));
  assert.equal(payload.sub, "a");
});

for (
  const [alg, pair] of [
    ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["ES256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["EdDSA", generateKeyPairSync("ed25519")],
  ] as const
) {
  test(`S2-48: a fixed ${alg} key never rotates and is published without its private members`, async () => {
    const keys = createFixedKey(secret(pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString()));
    assert.equal(keys.current().alg, alg);
    assert.equal(keys.find(keys.current().kid), keys.current());
    assert.equal(keys.find("other"), undefined);
    assert.ok(!("d" in keys.jwks().keys[0]!));
    const token = await new SignJWT({}).setProtectedHeader({ alg, kid: keys.current().kid }).sign(
      keys.current().privateKey,
    );
    await jwtVerify(token, createLocalJWKSet(keys.jwks()));
  });
}

test("S2-48: a key of another kind is refused with what to supply", () => {
  const pem = (pair: { privateKey: { export(o: object): string | Buffer } }) =>
    secret(pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  assert.throws(() => createFixedKey(pem(generateKeyPairSync("ec", { namedCurve: "P-384" }))), /must hold/);
  assert.throws(() => createFixedKey(pem(generateKeyPairSync("rsa", { modulusLength: 1024 }))), /must hold/);
});

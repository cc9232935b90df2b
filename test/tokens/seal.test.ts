import assert from "node:assert/strict";
import { createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { compactDecrypt } from "jose";
import { secret } from "../../lib/config/secrets.ts";
import { createSealer } from "../../lib/tokens/seal.ts";

const key = randomBytes(32).toString("base64");
const other = randomBytes(32).toString("base64");
const sealerOf = (...keys: string[]) => createSealer(keys.map(secret), () => 1000);
const sealer = sealerOf(key);

test("S1-28: what was sealed opens again, and two seals of the same value differ", () => {
  const value = { a: 1, long: "x".repeat(5000) };
  const sealed = sealer.seal("authorization code", value, 1001);
  assert.deepEqual(sealer.open("authorization code", sealed), { value, expiresAt: 1001 });
  assert.notEqual(sealed, sealer.seal("authorization code", value, 1001));
});

test("S1-28: every changed, cut or lengthened character is refused", () => {
  const sealed = sealer.seal("access token", { a: 1 });
  for (let i = 0; i < sealed.length; i++) {
    const changed = sealed.slice(0, i) + (sealed[i] === "A" ? "B" : "A") + sealed.slice(i + 1);
    assert.equal(sealer.open("access token", changed), undefined, `character ${i}`);
    assert.equal(sealer.open("access token", sealed.slice(0, i)), undefined, `cut at ${i}`);
  }
  for (const text of ["", ".", "....", "garbage", sealed + "A", sealed + ".", sealed + "=", " " + sealed]) {
    assert.equal(sealer.open("access token", text), undefined, text);
  }
});

test("S1-28, S2-40: a value sealed for one purpose does not open as another, nor under another secret", () => {
  const sealed = sealer.seal("authorization code", { a: 1 });
  assert.equal(sealer.open("access token", sealed), undefined);
  assert.equal(sealer.open("refresh token", sealed), undefined);
  assert.equal(sealerOf(other).open("authorization code", sealed), undefined);
  const [, ...rest] = sealed.split(".");
  const [header] = sealer.seal("access token", {}).split(".");
  assert.equal(sealer.open("access token", [header, ...rest].join(".")), undefined);
});

test("S1-29: past its expiry a value is expired, not unknown", () => {
  assert.equal(sealer.open("authorization code", sealer.seal("authorization code", {}, 1000)), "expired");
  assert.notEqual(sealer.open("authorization code", sealer.seal("authorization code", {}, 1001)), "expired");
});

test("key ring: a previous secret still opens and never seals", () => {
  const before = sealerOf(other).seal("refresh token", { a: 1 });
  const rotated = sealerOf(key, other);
  assert.deepEqual(rotated.open("refresh token", before), { value: { a: 1 }, expiresAt: undefined });
  assert.equal(sealerOf(other).open("refresh token", rotated.seal("refresh token", {})), undefined);
});

test("a retired secret opens client_ids and nothing else, and never seals", () => {
  const before = sealerOf(other);
  const retired = createSealer([secret(key)], () => 1000, [secret(other)]);
  const clientId = before.sealDeterministic("client id", { a: 1 });
  assert.deepEqual(retired.open("client id", clientId), { value: { a: 1 }, expiresAt: undefined });
  assert.notEqual(retired.sealDeterministic("client id", { a: 1 }), clientId);
  for (const purpose of ["access token", "refresh token", "authorization code", "flow"] as const) {
    assert.equal(retired.open(purpose, before.seal(purpose, {})), undefined, purpose);
  }
});

test("a value is outdated when another than the current secret sealed it, zipped or not", () => {
  const rotated = sealerOf(key, other);
  for (const value of [{ a: 1 }, { long: "x".repeat(5000) }]) {
    assert.equal(rotated.isOutdated("refresh token", rotated.seal("refresh token", value)), false);
    assert.equal(rotated.isOutdated("refresh token", sealerOf(other).seal("refresh token", value)), true);
  }
});

test("the deterministic form is idempotent and depends on the value", () => {
  assert.equal(sealer.sealDeterministic("client id", { a: 1 }), sealer.sealDeterministic("client id", { a: 1 }));
  assert.notEqual(sealer.sealDeterministic("client id", { a: 1 }), sealer.sealDeterministic("client id", { a: 2 }));
  assert.deepEqual(sealer.open("client id", sealer.sealDeterministic("client id", { a: 1 }))?.valueOf(), {
    value: { a: 1 },
    expiresAt: undefined,
  });
});

test("the IV of the deterministic form follows from the very bytes that are encrypted: no zlib makes two texts of one IV", () => {
  const derive = (info: string) =>
    new Uint8Array(hkdfSync("sha256", Buffer.from(key, "base64"), "mcp-oauth-proxy", `${info} client id`, 32));
  for (const value of [{ a: 1 }, { long: "x".repeat(5000) }]) {
    const [header, , ...rest] = sealer.sealDeterministic("client id", value).split(".");
    const [iv, text, tag] = rest.map((part) => Buffer.from(part, "base64url"));
    const decipher = createDecipheriv("aes-256-gcm", derive("seal"), iv!).setAAD(Buffer.from(header!)).setAuthTag(tag!);
    const encrypted = Buffer.concat([decipher.update(text!), decipher.final()]);
    assert.deepEqual(iv, createHmac("sha256", derive("iv")).update(encrypted).digest().subarray(0, 12));
  }
});

test("D2: the form is JWE compact, dir + A256GCM: jose opens it with the derived key (RFC 7516)", async () => {
  const derived = new Uint8Array(
    hkdfSync("sha256", Buffer.from(key, "base64"), "mcp-oauth-proxy", "seal access token", 32),
  );
  const { plaintext, protectedHeader } = await compactDecrypt(sealer.seal("access token", { a: 1 }, 1001), derived);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(plaintext)), { v: { a: 1 }, exp: 1001 });
  assert.equal(protectedHeader.enc, "A256GCM");
});

test("a base64url last character with other unused bits is another string and does not open", () => {
  const sealed = sealer.seal("access token", { a: 1 });
  const last = sealed.at(-1)!;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const twin = alphabet[alphabet.indexOf(last) ^ 1]!;
  assert.deepEqual(Buffer.from(last, "base64url"), Buffer.from(twin, "base64url"));
  assert.equal(sealer.open("access token", sealed.slice(0, -1) + twin), undefined);
});

// Sealed values: what was not sealed here, for this, stays shut.
import assert from "node:assert/strict";
import fc from "fast-check";
import { secret } from "../../lib/config/secrets.ts";
import { createSealer, type SealPurpose } from "../../lib/tokens/seal.ts";
import { oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const purposes: SealPurpose[] = [
  ...["authorization", "authorization code", "access token", "refresh token", "refresh answer", "client id"] as const,
  ...["downstream endpoint", "flow", "consent", "connected apps", "connected app"] as const,
  ...["provider registration", "provider tokens"] as const,
];
const now = 1_900_000_000;
const sealerOf = (...fill: number[]) =>
  createSealer(fill.map((byte) => secret(Buffer.alloc(32, byte).toString("base64"))), () => now);
const sealer = sealerOf(1, 2);

const purpose = fc.constantFrom(...purposes);
/** Small ones, and ones that are compressed. */
const value = fc.oneof(fc.jsonValue(), fc.record({ token: fc.string({ minLength: 1100, maxLength: 1200 }) }));
const json = (input: unknown) => JSON.parse(JSON.stringify(input));

property("S1-28: what was sealed opens for its purpose only, and shows nothing of itself until then", {
  runs: 40,
  of: [value, purpose, purpose],
}, (input, sealedFor, openedFor) => {
  const sealed = sealer.seal(sealedFor, input, now + 1);
  const opened = sealer.open(openedFor, sealed);
  if (sealedFor !== openedFor) assert.equal(opened, undefined);
  else assert.deepEqual(opened, { value: json(input), expiresAt: now + 1 });
  assert.match(sealed, /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  const plain = Buffer.from(JSON.stringify(input)).toString("base64url");
  assert.ok(plain.length < 20 || !sealed.includes(plain));
});

property("S1-28: with any bit of any part flipped it does not open", {
  runs: 60,
  of: [value, purpose, fc.nat(), fc.constantFrom(0, 2, 3, 4)],
}, (input, sealedFor, bit, part) => {
  const parts = sealer.seal(sealedFor, input).split(".");
  const bytes = Buffer.from(parts[part]!, "base64url");
  const at = bit % (bytes.length * 8);
  bytes[at >> 3]! ^= 1 << (at & 7);
  parts[part] = bytes.toString("base64url");
  assert.equal(sealer.open(sealedFor, parts.join(".")), undefined);
});

property("S1-28: cut, lengthened or with foreign characters in between it does not open", {
  runs: 60,
  of: [value, purpose, fc.nat(), fc.nat(3), oddText],
}, (input, sealedFor, position, length, odd) => {
  const sealed = sealer.seal(sealedFor, input);
  const at = position % (sealed.length + 1);
  const changed = sealed.slice(0, at) + odd + sealed.slice(at + length);
  if (changed !== sealed) assert.equal(sealer.open(sealedFor, changed), undefined);
});

property("S1-28, S1-31: parts of two values, also of two purposes or two keys, make no third value", {
  runs: 60,
  of: [value, value, purpose, purpose, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), fc.boolean()],
}, (first, second, firstFor, secondFor, take, otherKey) => {
  const one = sealer.seal(firstFor, first);
  const two = (otherKey ? sealerOf(3) : sealer).seal(secondFor, second);
  const [ones, twos] = [one.split("."), two.split(".")];
  const mixed = take.map((fromFirst, index) => (fromFirst ? ones : twos)[index]!).join(".");
  const expected = mixed === one
    ? json(first)
    : mixed === two && !otherKey && firstFor === secondFor
    ? json(second)
    : undefined;
  const opened = sealer.open(firstFor, mixed);
  assert.deepEqual(typeof opened === "object" ? opened.value : opened, expected);
});

property(
  "S1-29: replicas with the same secret open each other's values, those with another one never, rotation opens the old ones",
  {
    runs: 30,
    of: [
      value,
      purpose,
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 6 }),
    ],
  },
  (input, sealedFor, ring, current) => {
    const sealed = sealerOf(current, 9).seal(sealedFor, input);
    const opened = sealerOf(...ring).open(sealedFor, sealed);
    assert.deepEqual(
      typeof opened === "object" ? opened.value : opened,
      ring.includes(current) ? json(input) : undefined,
    );
  },
);

property("S1-29: an expiry counts, whatever the clock of the replica that opens it", {
  runs: 30,
  of: [purpose, fc.integer({ min: -5, max: 5 })],
}, (sealedFor, seconds) => {
  const opened = sealer.open(sealedFor, sealer.seal(sealedFor, {}, now + seconds));
  assert.equal(opened === "expired", seconds <= 0);
});

property("S1-44: text that looks like a sealed value is none, and is no reason to throw", {
  runs: 100,
  of: [
    purpose,
    fc.array(fc.oneof(oddText, fc.base64String().map((text) => text.replace(/=+$/, ""))), { maxLength: 7 }),
  ],
}, (openedFor, parts) => {
  assert.equal(sealer.open(openedFor, parts.join(".")), undefined);
  const [header] = sealer.seal(openedFor, 1).split(".");
  assert.equal(sealer.open(openedFor, [header, ...parts].join(".")), undefined);
});

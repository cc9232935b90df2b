import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBearer, printChallenge } from "../../lib/oauth/bearer.ts";

for (
  const [header, token] of [
    ["Bearer abc.def-_~+/=", "abc.def-_~+/="],
    ["bearer abc", "abc"],
    ["BEARER   abc ", "abc"],
    ["Bearer", undefined],
    ["Bearer ", undefined],
    ["Bearer a b", undefined],
    ["Bearerabc", undefined],
    ["Basic abc", undefined],
    ["abc", undefined],
    ["", undefined],
    [null, undefined],
  ] as const
) {
  test(`S1-43, S1-44: Authorization ${JSON.stringify(header)} holds ${token ?? "no bearer token"} (RFC 9110 §11.1, RFC 6750 §2.1)`, () => {
    assert.equal(parseBearer(header), token);
  });
}

test("a challenge can't be broken out of (RFC 6750 §3)", () => {
  const text = printChallenge({ error: "invalid_token", error_description: 'a"b\\c\r\nd', scope: "read" });
  assert.equal(text, 'Bearer error="invalid_token", error_description="abcd", scope="read"');
  assert.equal(printChallenge({}), "Bearer");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenge, printChallenge } from "../../lib/oauth/bearer.ts";

for (
  const [header, expected] of [
    [null, undefined],
    ["", undefined],
    [`Basic realm="x"`, undefined],
    ["Bearer", {}],
    [
      `bearer scope="a b", resource_metadata="https://mcp.example/.well-known/x"`,
      { scope: "a b", resource_metadata: "https://mcp.example/.well-known/x" },
    ],
    [`Basic realm="a, Bearer b", Bearer error=invalid_token`, { error: "invalid_token" }],
    [`Bearer scope="a" , scope="b", DPoP algs="ES256"`, { scope: "a" }],
    [`Negotiate abc==, Bearer  scope = "a\\"b"`, { scope: 'a"b' }],
    [`Bearer error="invalid_token", Basic realm="r"`, { error: "invalid_token" }],
  ] as const
) {
  test(`RFC 9110 §11.6.1: the Bearer challenge of ${header}`, () => assert.deepEqual(parseChallenge(header), expected));
}

test("what we print we read", () => {
  const challenge = { error: "insufficient_scope", scope: "a b", resource_metadata: "https://mcp.example/x" };
  assert.deepEqual(parseChallenge(printChallenge(challenge)), challenge);
});

test("a header that is made to be slow is read in no time", () => {
  const started = performance.now();
  parseChallenge(`Bearer a="${"\\".repeat(100_000)}`);
  parseChallenge(`${"a ".repeat(50_000)}`);
  parseChallenge(`Bearer ${"a=".repeat(50_000)}`);
  assert.ok(performance.now() - started < 3_000);
});

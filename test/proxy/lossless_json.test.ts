import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLosslessly } from "../../lib/proxy/lossless_json.ts";

for (
  const text of [
    "1.0",
    "-0",
    "[-0,0,-7]",
    "[9007199254740993]",
    '{"a":-12345678901234567}',
    '{"a":1e3,"b":1E-7,"c":0.10}',
    "[123456789012345,999999999999999]",
    '{"a": 1.50}',
    "[1,\n\t2.0]",
    '{"a":"1.0, -0","b":"x:1.0"}',
    '"\\"[[[\\\\"',
    "null",
  ]
) {
  test(`a number is written as it was read: ${JSON.stringify(text)}`, () => {
    assert.equal(JSON.stringify(parseLosslessly(text)), text.replace(/\s(?=[^"]*$)/g, ""));
  });
}

test("only brackets outside of strings nest, and 1,000 is the limit on every runtime, whatever numbers are in it", () => {
  const nested = (depth: number, inside: string) => "[".repeat(depth) + inside + "]".repeat(depth);
  for (const inside of ["1", "1.0", `"${"[".repeat(5_000)}"`, `"\\"]]]]"`]) {
    parseLosslessly(nested(1_000, inside));
    assert.throws(() => parseLosslessly(nested(1_001, inside)), RangeError);
  }
  parseLosslessly(`[${Array(5_000).fill("{}").join(",")}]`);
  assert.throws(() => parseLosslessly('{"a":"'), SyntaxError);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { oneLine } from "../../lib/telemetry/one_line.ts";

test("what would start a line, move the cursor or turn the text around is written out; all else stays", () => {
  assert.equal(oneLine("a\r\nb\tc\u001B[2Jd\u009B31m\u007F"), "a\\u000d\\u000ab\\u0009c\\u001b[2Jd\\u009b31m\\u007f");
  assert.equal(oneLine("x\u2028y\u202Ez\u2069"), "x\\u2028y\\u202ez\\u2069");
  const plain = 'Größe "é" 日本 🦊 \\n {"a":1}';
  assert.equal(oneLine(plain), plain);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { collectBytes } from "../../lib/http/collected_bytes.ts";

test("bytes come out as they went in, in whatever pieces", () => {
  for (const cuts of [[], [0], [5], [1, 1, 1, 1, 1], [2, 0, 3], [1, 100_000, 7]]) {
    const collected = collectBytes();
    const expected: number[] = [];
    for (const [piece, length] of cuts.entries()) {
      collected.push(new Uint8Array(length).fill(piece + 1));
      for (let i = 0; i < length; i++) expected.push(piece + 1);
    }
    assert.equal(collected.size, expected.length);
    assert.deepEqual([...collected.whole()], expected);
  }
});

test("a byte takes up a byte or two, however large the memory is that it was read into", () => {
  const collected = collectBytes();
  const readInto = new Uint8Array(65_536).fill(7);
  for (let i = 0; i < 10_000; i++) collected.push(readInto.subarray(i, i + 1));
  assert.ok(collected.whole().buffer.byteLength <= 20_000, `${collected.whole().buffer.byteLength}`);
});

// Where the body of an answer ends (RFC 9112 §6, §7).
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBodyDecoder } from "../../lib/http1/body_decoder.ts";
import { Http1Error } from "../../lib/http1/http1_error.ts";
import type { Framing } from "../../lib/http1/response_head.ts";

/** What a body of `framing` is, in pieces of `size` bytes; `rest` is what follows it, undefined when it has not ended. */
function decode(framing: Framing, text: string, size = text.length): { body: string; rest: string | undefined } {
  const decoder = createBodyDecoder(framing);
  let body = "";
  const sink = { push: (bytes: Uint8Array) => void (body += Buffer.from(bytes).toString("latin1")) };
  for (let at = 0; at < text.length; at += size) {
    const rest = decoder.decode(Buffer.from(text.slice(at, at + size), "latin1"), sink);
    if (rest !== undefined) return { body, rest: Buffer.from(rest).toString("latin1") + text.slice(at + size) };
  }
  return { body, rest: undefined };
}

const chunked = '5\r\nhello\r\n1A;name="v"\r\nabcdefghijklmnopqrstuvwxyz\r\n0;x\r\nTrailer: 1\r\n\r\n';

test("however a body is cut into pieces, it is the same body and ends at the same place", () => {
  for (let size = 1; size <= chunked.length + 4; size++) {
    assert.deepEqual(decode("chunked", `${chunked}HTTP`, size), {
      body: "helloabcdefghijklmnopqrstuvwxyz",
      rest: "HTTP",
    });
    assert.deepEqual(decode(5, "helloHTTP", size), { body: "hello", rest: "HTTP" });
    assert.deepEqual(decode("close", "hello", size), { body: "hello", rest: undefined });
  }
});

test("a body that has not come to its end has not ended", () => {
  for (let length = 0; length < chunked.length; length++) {
    assert.equal(decode("chunked", chunked.slice(0, length)).rest, undefined, chunked.slice(0, length));
  }
  assert.deepEqual(decode(6, "hello"), { body: "hello", rest: undefined });
});

test("only a body without any framing ends with its connection", () => {
  const ends = (["close", "chunked", 5] as const).map((framing) => createBodyDecoder(framing).endsWithConnection);
  assert.deepEqual(ends, [true, false, false]);
});

for (
  const [what, text] of [
    ["no size", "\r\nhello\r\n"],
    ["a size with a sign", "+5\r\nhello\r\n"],
    ["a size with 0x", "0x5\r\nhello\r\n"],
    ["a size with a space before it", " 5\r\nhello\r\n"],
    ["a size beyond counting", "fffffffffffff\r\nhello\r\n"],
    ["a size line that ends with LF alone", "5\nhello\r\n"],
    ["a size line with a CR inside", "5\r;x\r\nhello\r\n"],
    ["data that ends with LF alone", "5\r\nhello\n0\r\n\r\n"],
    ["data longer than announced", "5\r\nhello!\r\n0\r\n\r\n"],
    ["data shorter than announced", "5\r\nhell\r\n0\r\n\r\n"],
    ["a trailer line that ends with LF alone", "0\r\nA: 1\n\r\n"],
    ["an extension without an end", `5;${"x".repeat(5_000)}`],
    ["trailers without an end", `0\r\n${"A: 1\r\n".repeat(5_000)}`],
  ] as const
) {
  test(`RFC 9112 §7.1: refused: ${what}`, () => {
    assert.throws(() => decode("chunked", text), Http1Error);
    assert.throws(() => decode("chunked", text, 1), Http1Error);
  });
}

// How an answer's head is read (RFC 9112 §4, §5, §6): strictly, because two readings of one head are two answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Http1Error } from "../../lib/http1/http1_error.ts";
import { parseResponseHead } from "../../lib/http1/response_head.ts";

const head = (...lines: string[]) => ["HTTP/1.1 200 OK", ...lines].join("\r\n");

test("status, fields and framing of a usual answer", () => {
  const { status, fields, framing, keepsConnection } = parseResponseHead(
    head("Content-Type: application/json", "Content-Length: 12", "X-Empty:", "Mcp-Session-Id:  a b\t"),
  );
  assert.deepEqual([status, framing, keepsConnection], [200, 12, true]);
  assert.deepEqual({ ...fields.toRecord() }, {
    "content-type": "application/json",
    "content-length": "12",
    "x-empty": "",
    "mcp-session-id": "a b",
  });
});

test("several fields of one name are joined in their order (RFC 9110 §5.3), whatever they are called", () => {
  const { fields } = parseResponseHead(head("X-A: 1", "__proto__: 2", "x-a: 3", "constructor: 4"));
  assert.equal(fields.get("x-a"), "1, 3");
  assert.deepEqual(Object.entries(fields.toRecord()), [["x-a", "1, 3"], ["__proto__", "2"], ["constructor", "4"]]);
});

test("whitespace before the colon goes (RFC 9112 §5.1), and what is framed by such a field is framed", () => {
  const { fields, framing } = parseResponseHead(head("Transfer-Encoding \t: chunked"));
  assert.deepEqual([fields.get("transfer-encoding"), framing], ["chunked", "chunked"]);
});

test("characters beyond ASCII in a value are kept, one for each byte (RFC 9110 §5.5)", () => {
  assert.equal(parseResponseHead(head("X-Name: caf\xe9")).fields.get("x-name"), "caf\xe9");
});

for (
  const [what, lines, framing, keeps] of [
    ["a length", ["Content-Length: 0"], 0, true],
    ["chunks", ["Transfer-Encoding: Chunked"], "chunked", true],
    ["nothing that says so", [], "close", false],
    [
      "chunks, and a length beside them that means nothing",
      ["Content-Length: 5", "Transfer-Encoding: chunked"],
      "chunked",
      false,
    ],
    ["a length on a connection that ends", ["Content-Length: 5", "Connection: close"], 5, false],
    ["a length on a connection that ends, in a list", ["Content-Length: 5", "Connection: x-hop, CLOSE"], 5, false],
    ["a length on a connection that is kept", ["Content-Length: 5", "Connection: Keep-Alive"], 5, true],
  ] as const
) {
  test(`RFC 9112 §6.3, §9.3: framed by ${what}`, () => {
    const parsed = parseResponseHead(head(...lines));
    assert.deepEqual([parsed.framing, parsed.keepsConnection], [framing, keeps]);
  });
}

test("RFC 9112 §6.3: answers that never have a body have none, whatever they announce", () => {
  for (const status of [100, 103, 204, 304]) {
    assert.equal(parseResponseHead(`HTTP/1.1 ${status} X\r\nContent-Length: 5`).framing, 0, String(status));
  }
});

test("HTTP/1.0 keeps no connection and has no transfer codings (RFC 9112 §6.1, §9.3)", () => {
  const old = parseResponseHead("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive");
  assert.deepEqual([old.framing, old.keepsConnection], [5, false]);
  assert.throws(() => parseResponseHead("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked"), Http1Error);
});

for (
  const [what, text] of [
    ["no status line", "Content-Length: 5"],
    ["HTTP/0.9", "{}"],
    ["HTTP/2.0", "HTTP/2.0 200 OK"],
    ["another protocol", "ICY 200 OK"],
    ["a status of two digits", "HTTP/1.1 20 OK"],
    ["a status of four digits", "HTTP/1.1 2000 OK"],
    ["a status that begins with 0", "HTTP/1.1 020 OK"],
    ["a status in words", "HTTP/1.1 OK"],
    ["two spaces before the status", "HTTP/1.1  200 OK"],
    ["a line that continues the one before", head("X-A: 1", " 2")],
    ["a folded framing field", head("Transfer-Encoding:", " chunked")],
    ["a line without a colon", head("Content-Length 5")],
    ["a field without a name", head(": 5")],
    ["a name with a space in it", head("Content Length: 5")],
    ["a name in quotes", head('"Content-Length": 5')],
    ["a bare LF", head("X-A: 1\nContent-Length: 5")],
    ["a bare CR", head("X-A: 1\rContent-Length: 5")],
    ["a NUL", head("X-A: \0")],
    ["a DEL", head("X-A: \x7f")],
    ["an empty line at the beginning", `\r\n${head()}`],
    ["two lengths that differ", head("Content-Length: 5", "Content-Length: 6")],
    ["two lengths", head("Content-Length: 5, 5")],
    ["a length with a sign", head("Content-Length: +5")],
    ["a negative length", head("Content-Length: -5")],
    ["a length in hex", head("Content-Length: 0x5")],
    ["an empty length", head("Content-Length:")],
    ["a length beyond counting", head(`Content-Length: ${"9".repeat(20)}`)],
    ["a coding that is not known", head("Transfer-Encoding: gzip, chunked")],
    ["identity", head("Transfer-Encoding: identity")],
    ["chunked twice", head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
    ["chunked with a vertical tab", head("Transfer-Encoding: \x0bchunked")],
  ] as const
) {
  test(`RFC 9112: refused: ${what}`, () => {
    assert.throws(
      () => parseResponseHead(text),
      (error) => error instanceof Http1Error && /^malformed_answer/.test(error.code),
    );
  });
}

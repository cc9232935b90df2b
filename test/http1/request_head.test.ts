// How a request's head is written (RFC 9112 §3, §5): nothing in it ends a line early.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldList } from "../../lib/http1/field_list.ts";
import { printRequestHead } from "../../lib/http1/request_head.ts";

const url = new URL("http://mcp.internal:8080/mcp?key=a%20b");
const print = (parts: string[], framing: number | "chunked" | "none" = "none", method = "POST", to = url) =>
  printRequestHead({ method, url: to, fields: new FieldList(parts) }, framing);

test("request line, Host, fields, framing, blank line", () => {
  assert.equal(
    print(["accept", "*/*", "x-name", "caf\xe9"], 2),
    "POST /mcp?key=a%20b HTTP/1.1\r\nhost: mcp.internal:8080\r\naccept: */*\r\nx-name: caf\xe9\r\ncontent-length: 2\r\n\r\n",
  );
  assert.match(print([], "chunked"), /\r\ntransfer-encoding: chunked\r\n\r\n$/);
  assert.equal(print([], "none", "GET"), "GET /mcp?key=a%20b HTTP/1.1\r\nhost: mcp.internal:8080\r\n\r\n");
});

test("Host and framing are its own, whatever the fields say", () => {
  const head = print(["host", "evil", "content-length", "9", "transfer-encoding", "chunked", "connection", "close"], 2);
  assert.deepEqual(head.split("\r\n").slice(1), ["host: mcp.internal:8080", "content-length: 2", "", ""]);
});

test("the default port is not named (RFC 9110 §7.2)", () => {
  assert.match(print([], 0, "POST", new URL("http://mcp.internal:80/")), /\r\nhost: mcp\.internal\r\n/);
});

for (
  const [what, parts] of [
    ["CRLF in a value", ["x-a", "1\r\nx-b: 2"]],
    ["LF in a value", ["x-a", "1\nx-b: 2"]],
    ["CR in a value", ["x-a", "1\r2"]],
    ["NUL in a value", ["x-a", "\0"]],
    ["a character whose low byte is LF", ["x-a", "\u010a"]],
    ["a character whose low byte is CR", ["x-a", "\u010d"]],
    ["CRLF in a name", ["x-a\r\nx-b", "1"]],
    ["a colon in a name", ["x-a: 1", "1"]],
    ["an empty name", ["", "1"]],
  ] as const
) {
  test(`never written: ${what}`, () => {
    assert.throws(() => print([...parts]), (error) => error instanceof TypeError && !error.message.includes("x-b: 2"));
  });
}

test("never written: a method that is none, one whose answer is framed otherwise, and what a URL can't hold anyway", () => {
  for (const method of ["GET /", "G\r\nT", "", "HEAD", "CONNECT", "TRACE"]) {
    assert.throws(() => print([], 0, method), TypeError);
  }
  const odd = new URL("http://mcp.internal/a b\u010a?x=\r\n1#gone");
  assert.equal(print([], 0, "POST", odd).split("\r\n")[0], "POST /a%20b%C4%8A?x=1 HTTP/1.1");
});

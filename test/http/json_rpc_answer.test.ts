import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../../lib/http/json_rpc_answer.ts";

/** What arrives piece by piece, and stays open. */
function readPieces(contentType: string, pieces: readonly string[], { ends = false } = {}) {
  const encoder = new TextEncoder();
  let sent = 0;
  const fetch = () =>
    Promise.resolve(
      new Response(
        new ReadableStream({
          pull(controller) {
            if (sent < pieces.length) return controller.enqueue(encoder.encode(pieces[sent++]));
            if (ends) controller.close();
            else return new Promise(() => {});
          },
        }, { highWaterMark: 0 }),
        { headers: { "content-type": contentType } },
      ),
    );
  const request = { method: "POST", headers: {} };
  return readAnswer(new URL("http://mcp.example/"), request, {
    fetch: fetch as unknown as typeof globalThis.fetch,
    timeoutMs: 60_000,
    maxChars: 4 * 1024 * 1024,
  });
}

const answer = { jsonrpc: "2.0", id: 1, result: {} };
const text = JSON.stringify(answer);

test("a JSON answer is read whole, in however many pieces it comes, and without its end when it is there at once", async () => {
  assert.deepEqual((await readPieces("application/json", [text])).message, answer);
  assert.deepEqual((await readPieces("application/json", [...text], { ends: true })).message, answer);
  assert.equal((await readPieces("application/json", ["{", "nothing"], { ends: true })).message, undefined);
});

for (const [name, end] of [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]] as const) {
  test(`the first event that holds an answer is taken, cut anywhere, lines ending in ${name}`, async () => {
    const lines = [
      ": hi",
      "",
      'data: {"jsonrpc":"2.0","method":"notifications/progress"}',
      "",
      `data: ${text}`,
      "",
      "",
    ];
    const stream = lines.join(end);
    assert.deepEqual((await readPieces("text/event-stream", [...stream, "x"])).message, answer);
    const endpoint = ["event: endpoint", "data: /messages?id=1", "", ""].join(end);
    assert.equal((await readPieces("text/event-stream", [endpoint, "x"])).endpoint, "/messages?id=1");
  });
}

test("the work grows with the answer and not with its square, however small the pieces are", async () => {
  const piece = `"${"x".repeat(251)}",`;
  const pieces = (first: string, rest: string) => [first, ...Array.from({ length: 4_000 }, () => rest)];
  const bodies: [string, string[]][] = [
    ["application/json", pieces('{"jsonrpc":"2.0","a":[', piece)],
    ["text/event-stream", pieces("data: [\n", `data: ${piece}\n`)],
    ["text/event-stream", pieces("", `data: {"jsonrpc":"2.0","a":[${piece}1]}\n\n`)],
  ];
  for (const [contentType, body] of bodies) {
    const parse = JSON.parse;
    let parsed = 0;
    JSON.parse = (text: string, ...rest) => {
      parsed += text.length;
      return parse(text, ...rest);
    };
    try {
      assert.equal((await readPieces(contentType, body, { ends: true })).message, undefined);
    } finally {
      JSON.parse = parse;
    }
    const length = body.join("").length;
    assert.ok(parsed <= 4 * length, `${contentType}: parsed ${parsed} characters of ${length}`);
  }
});

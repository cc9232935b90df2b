// Answers over plain HTTP/1.1, as any server might write them and any network cut them up.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createHttp1Client } from "../../lib/http1/client.ts";
import { FieldList } from "../../lib/http1/field_list.ts";
import { Http1Error } from "../../lib/http1/http1_error.ts";
import type { Http1Answer } from "../../lib/http1/http1_answer.ts";
import { printRequestHead } from "../../lib/http1/request_head.ts";
import { createFakeTcp } from "../support/fake_tcp.ts";
import { oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const url = new URL("http://mcp.internal/mcp");
const request = () => ({ url, method: "GET", fields: new FieldList(), body: { body: null } });
const unwatched = { whenCut: () => {} };

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const value = fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?)?$/);
const framingNames = new Set(["content-length", "transfer-encoding", "connection"]);
const fields = fc.array(fc.tuple(token.filter((name) => !framingNames.has(name.toLowerCase())), value), {
  maxLength: 6,
});
const body = fc.array(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
  { maxLength: 5 },
);
/** Where the network cuts: sizes of pieces, over and over. */
const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 });

type Framing = "length" | "chunked" | "close";

function print(
  status: number,
  head: readonly (readonly [string, string])[],
  framing: Framing,
  pieces: readonly string[],
): string {
  const whole = pieces.join("");
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const framed = {
    length: `Content-Length: ${whole.length}\r\n\r\n${whole}`,
    chunked: `Transfer-Encoding: chunked\r\n\r\n${
      pieces.filter((piece) => piece !== "").map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("")
    }0\r\n\r\n`,
    close: `\r\n${whole}`,
  }[framing];
  return `HTTP/1.1 ${status} X\r\n${lines}${framed}`;
}

async function read(answer: Http1Answer): Promise<string> {
  const reader = answer.reader();
  let text = "";
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader!.read()) {
    text += Buffer.from(next.value).toString("latin1");
  }
  return text;
}

function rig() {
  const tcp = createFakeTcp();
  const client = createHttp1Client({
    connectTcp: tcp.connectTcp,
    connectTimeoutMs: 60_000,
    reuseConnectionsWithinMs: 60_000,
  });
  return { tcp, client };
}

/** Everything that waits for nothing but promises has happened. */
const turns = () => new Promise<void>((resolve) => setImmediate(resolve));

property("RFC 9112 §6: an answer is what the server wrote, however it is framed and cut up; the next one is the next", {
  runs: 200,
  of: [fields, fc.constantFrom<Framing>("length", "chunked", "close"), body, cuts],
}, async (head, framing, pieces, sizes) => {
  const { tcp, client } = rig();
  for (const status of [200, 404]) {
    const answer = client.send(request(), unwatched);
    await turns();
    const connection = tcp.opened.at(-1)!;
    const text = print(status, head, framing, pieces);
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length]!;
      connection.send(text.slice(at, at + size));
      at += size;
    }
    if (framing === "close") connection.end();
    assert.equal((await answer).status, status);
    const expected = new Map<string, string>();
    for (const [name, value] of head) {
      const before = expected.get(name.toLowerCase());
      expected.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
    }
    for (const [name, value] of expected) assert.equal((await answer).fields.get(name), value, name);
    assert.equal(await read(await answer), pieces.join(""));
  }
  assert.equal(tcp.opened.length, framing === "close" ? 2 : 1);
});

property(
  "whatever a server sends: an answer or an Http1Error, never a body beyond what it framed, never a connection kept in doubt",
  {
    runs: 400,
    of: [
      fc.oneof(oddText, fc.constant("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")),
      fc.array(
        fc.oneof(
          oddText,
          fc.constantFrom(
            "\r\n",
            "\r\n\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 3\r\n",
            "5\r\nhello\r\n",
            "0\r\n\r\n",
            "abc",
          ),
        ),
        { maxLength: 8 },
      ),
    ],
  },
  async (first, others) => {
    const { tcp, client } = rig();
    const answer = client.send(request(), unwatched);
    answer.catch(() => {}); // looked at below
    await turns();
    const [connection] = tcp.opened;
    for (const text of [first, ...others]) connection!.send(text);
    connection!.end();
    try {
      const { fields } = await answer;
      const body = await read(await answer);
      if (fields.has("content-length") && !fields.has("transfer-encoding")) {
        assert.ok(body.length <= Number(fields.get("content-length")));
      }
    } catch (error) {
      assert.ok(error instanceof Http1Error, String(error));
    }
  },
);

property("whatever is to be sent: one head of one request, or a TypeError", {
  runs: 400,
  of: [fc.array(fc.tuple(fc.oneof(token, oddText), fc.oneof(value, oddText)), { maxLength: 4 }), oddText],
}, (pairs, path) => {
  let head: string;
  try {
    head = printRequestHead({ method: "POST", url: new URL(path, url), fields: new FieldList(pairs.flat()) }, 0);
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return;
  }
  assert.match(head, /^POST \S* HTTP\/1\.1\r\nhost: \S+\r\n(?:[^\r\n\0]+: ?[^\r\n\0]*\r\n)*content-length: 0\r\n\r\n$/);
  assert.equal(head.split("\r\n\r\n").length, 2);
});

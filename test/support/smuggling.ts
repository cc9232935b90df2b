// Requests whose end two parsers may see at different places (RFC 9112 §11.2), and what came of each.
import net, { type AddressInfo } from "node:net";

export interface Shape {
  name: string;
  /** The bytes; `mark` tells the requests of this shape from all others, `inner` is the request that is to slip through. */
  bytes(head: RequestHead, inner: string): string;
}

/** Lines up to and without the framing: request line, host and token. */
export type RequestHead = (extra: string, version?: string) => string;

const chunked = "Transfer-Encoding: chunked\r\n";

/** A body that a parser which believes in `chunked` ends at once, and what follows it. */
const ended = (inner: string) => `0\r\n\r\n${inner}`;
/** Behind the Content-Length of the first line only. */
const hex = (text: string) => text.length.toString(16);
const asChunk = (inner: string) => `${hex(inner)}\r\n${inner}\r\n0\r\n\r\n`;

function withBoth(name: string, coding: string): Shape[] {
  return [
    {
      name: `CL.TE, ${name}`,
      bytes: (head, inner) => head(`Content-Length: ${ended(inner).length}\r\n${coding}`) + ended(inner),
    },
    {
      name: `TE.CL, ${name}`,
      bytes: (head, inner) => head(`Content-Length: ${hex(inner).length + 2}\r\n${coding}`) + asChunk(inner),
    },
    {
      name: `TE first, ${name}`,
      bytes: (head, inner) => head(`${coding}Content-Length: ${ended(inner).length}\r\n`) + ended(inner),
    },
  ];
}

function withLength(name: string, lines: (length: number) => string): Shape {
  return { name, bytes: (head, inner) => head(lines(inner.length + 2)) + `{}${inner}` };
}

function withChunks(name: string, body: (inner: string) => string): Shape {
  return { name, bytes: (head, inner) => head(chunked) + body(inner) };
}

export const shapes: Shape[] = [
  ...withBoth("plain", chunked),
  ...withBoth("space before the colon", "Transfer-Encoding : chunked\r\n"),
  ...withBoth("tab after the colon", "Transfer-Encoding:\tchunked\r\n"),
  ...withBoth("xchunked", "Transfer-Encoding: xchunked\r\n"),
  ...withBoth("identity", "Transfer-Encoding: identity\r\n"),
  ...withBoth("chunked, identity", "Transfer-Encoding: chunked, identity\r\n"),
  ...withBoth("identity, chunked", "Transfer-Encoding: identity, chunked\r\n"),
  ...withBoth("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
  ...withBoth("sent twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
  ...withBoth("quoted", 'Transfer-Encoding: "chunked"\r\n'),
  ...withBoth("folded", "Transfer-Encoding:\r\n chunked\r\n"),
  ...withBoth("a vertical tab", "Transfer-Encoding: \x0bchunked\r\n"),
  ...withBoth("in upper case", "TRANSFER-ENCODING: CHUNKED\r\n"),
  ...withBoth("underscore", "Transfer_Encoding: chunked\r\n"),
  ...withBoth("behind a bare LF", "X: y\nTransfer-Encoding: chunked\r\n"),
  ...withBoth("behind a bare CR", "X: y\rTransfer-Encoding: chunked\r\n"),
  ...withBoth("a NUL in the name", "Transfer-Encoding\0: chunked\r\n"),
  ...withBoth("a leading space", " Transfer-Encoding: chunked\r\n"),
  withLength("two lengths, the first smaller", (all) => `Content-Length: 2\r\nContent-Length: ${all}\r\n`),
  withLength("two lengths, the first larger", (all) => `Content-Length: ${all}\r\nContent-Length: 2\r\n`),
  withLength("a list of lengths", (all) => `Content-Length: 2, ${all}\r\n`),
  withLength("the same length twice", () => "Content-Length: 2\r\nContent-Length: 2\r\n"),
  withLength("a length with a sign", (all) => `Content-Length: +${all}\r\n`),
  withLength("a negative length", () => "Content-Length: -1\r\n"),
  withLength("a length in hex", (all) => `Content-Length: 0x${all.toString(16)}\r\n`),
  withLength("a length with zeros before it", () => "Content-Length: 0002\r\n"),
  withLength("a length beyond 64 bits", () => "Content-Length: 18446744073709551618\r\n"),
  withLength("a length with a space in it", (all) => `Content-Length: 2 ${all}\r\n`),
  withLength("an empty length", () => "Content-Length:\r\n"),
  withLength("a length with a space before its colon", (all) => `Content-Length : ${all}\r\n`),
  withLength("a length behind a bare LF", (all) => `X: y\nContent-Length: ${all}\r\n`),
  withLength("a length behind a bare CR", (all) => `X: y\rContent-Length: ${all}\r\n`),
  withLength("no length at all", () => ""),
  withLength("a length that Connection names", (all) => `Connection: Content-Length\r\nContent-Length: ${all}\r\n`),
  withLength("Expect beside a length", (all) => `Expect: 100-continue\r\nContent-Length: ${all}\r\n`),
  withLength("Expect in another form", (all) => `Expect: 100-continue, x\r\nExpect: y\r\nContent-Length: ${all}\r\n`),
  withLength(
    "Upgrade to h2c",
    (all) =>
      `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: ${all}\r\n`,
  ),
  withLength(
    "Upgrade to websocket",
    () =>
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 2\r\n",
  ),
  withChunks("an extension with a bare LF", (inner) => `2;a\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("an extension that holds a chunk", (inner) => `2;x="\r\n${hex(inner)}\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a long extension", (inner) => `2;${"x".repeat(5_000)}\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("bare LF after sizes", (inner) => `2\n{}\n0\n\n${inner}`),
  withChunks("bare CR after sizes", (inner) => `2\r{}\r0\r\r${inner}`),
  withChunks("no CRLF after the data", (inner) => `2\r\n{}0\r\n\r\n${inner}`),
  withChunks("a size with 0x", (inner) => `0x2\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a negative size", (inner) => `-2\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a size with a sign", (inner) => `+2\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a size beyond 64 bits", (inner) => `10000000000000002\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a size beyond 32 bits", (inner) => `100000002\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("an empty size", (inner) => `\r\n2\r\n{}\r\n0\r\n\r\n${inner}`),
  withChunks("a size with spaces", (inner) => ` 2 \r\n{}\r\n0 \r\n\r\n${inner}`),
  withChunks(
    "a trailer that names the framing",
    (inner) => `2\r\n{}\r\n0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  ),
  withChunks("a trailer that is a request", (inner) => `2\r\n{}\r\n0\r\n${inner}`),
  {
    name: "chunked over HTTP/1.0",
    bytes: (head, inner) => head(`${chunked}Connection: keep-alive\r\n`, "1.0") + ended(inner),
  },
  {
    name: "both over HTTP/1.0",
    bytes: (head, inner) =>
      head(`Content-Length: ${ended(inner).length}\r\n${chunked}Connection: keep-alive\r\n`, "1.0") + ended(inner),
  },
  {
    name: "a body with GET",
    bytes: (head, inner) => head(`Content-Length: ${inner.length}\r\n`).replace(/^POST/, "GET") + inner,
  },
  { name: "chunks with GET", bytes: (head, inner) => head(chunked).replace(/^POST/, "GET") + asChunk(inner) },
  {
    name: "a body with DELETE",
    bytes: (head, inner) => head(`Content-Length: ${inner.length}\r\n`).replace(/^POST/, "DELETE") + inner,
  },
  { name: "HTTP/0.9 before it", bytes: (head, inner) => `GET /\r\n${head("Content-Length: 2\r\n")}{}${inner}` },
  {
    name: "empty lines before it",
    bytes: (head, inner) => `\r\n\r\n${head(`Content-Length: ${inner.length}\r\n`)}${inner}`,
  },
  {
    name: "a space before the header end",
    bytes: (head, inner) => head("Content-Length: 2\r\n \r\n").replace(/\r\n$/, "") + `{}${inner}`,
  },
  {
    name: "a request line with two spaces",
    bytes: (head, inner) => head(`Content-Length: ${inner.length}\r\n`).replace(" HTTP", "  HTTP") + inner,
  },
  {
    name: "a request in the request line",
    bytes: (head, inner) =>
      head("Content-Length: 2\r\n").replace(" HTTP", `%20HTTP/1.1%0d%0a${encodeURIComponent(inner)} HTTP`) + "{}",
  },
];

export interface Outcome {
  /** How many answers the client got on its connection. */
  answers: number;
  text: string;
}

/**
 * Sends the bytes and waits for the end of the connection. A front may wait for a body that never comes: once `released`, a
 * second without a byte is the end as well.
 */
export function sendRaw(port: number, bytes: string, released: Promise<unknown>): Promise<Outcome> {
  return new Promise((settle) => {
    let text = "";
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReleased = false;
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    const done = () => socket.destroy();
    const wait = () => {
      clearTimeout(timer);
      if (isReleased) timer = setTimeout(done, 1_000);
    };
    void released.then(() => {
      isReleased = true;
      wait();
    });
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
      wait();
    });
    socket.on("error", done);
    socket.on("end", done);
    socket.on("close", () => {
      isReleased = false;
      clearTimeout(timer);
      settle({ answers: text.match(/HTTP\/1\.[01] [2-5]\d\d /g)?.length ?? 0, text });
    });
  });
}

/** An MCP server that answers each request with a result and remembers what it was sent, byte for byte. */
export async function framingDownstream(): Promise<
  { url: string; requests: string[]; [Symbol.asyncDispose](): Promise<void> }
> {
  const requests: string[] = [];
  const open = new Set<net.Socket>();
  const body = '{"jsonrpc":"2.0","id":1,"result":{}}';
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const server = net.createServer((socket) => {
    let pending = "";
    open.add(socket);
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      pending += chunk;
      for (let length = lengthOfFirst(pending); length !== undefined; length = lengthOfFirst(pending)) {
        requests.push(pending.slice(0, length));
        pending = pending.slice(length);
        socket.write(answer);
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        for (const socket of open) socket.destroy();
        server.close(() => done());
      }),
  };
}

/** Length of the first request in the text; undefined while it is not complete. Our own requests are framed plainly. */
function lengthOfFirst(text: string): number | undefined {
  const head = text.indexOf("\r\n\r\n") + 4;
  if (head < 4) return undefined;
  const fields = text.slice(0, head);
  if (/^transfer-encoding: *chunked/im.test(fields)) {
    for (let at = head;;) {
      const size = /^([0-9a-f]+)\r\n/i.exec(text.slice(at, at + 20));
      if (size === null) return undefined;
      at += size[0].length + parseInt(size[1]!, 16) + 2;
      if (at > text.length) return undefined;
      if (/^0+$/.test(size[1]!)) return at;
    }
  }
  const length = head + Number(/^content-length: *(\d+)/im.exec(fields)?.[1] ?? 0);
  return text.length < length ? undefined : length;
}

// A downstream that does what a test tells it, on a real socket: the good, the odd and the broken.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";

export interface ReceivedRequest {
  method: string;
  /** Path and query. */
  url: string;
  headers: IncomingHttpHeaders;
  /** As on the wire: name, value, name, value, … */
  rawHeaders: string[];
  /** Complete, unless `readBody` is false (then thrown away) or `never` (then left in the socket). */
  body: string;
  /** Which request of its connection: 1 is the first. */
  ordinal: number;
  /** Resolves when the peer has gone away or the answer is complete. */
  closed: Promise<void>;
}

export type Behaviour = (request: ReceivedRequest, answer: ServerResponse, socket: Socket) => void | Promise<void>;

export interface FakeMcpServer {
  /** Ends in `/mcp`. */
  url: string;
  port: number;
  received: ReceivedRequest[];
  behave(behaviour: Behaviour): void;
  /** The next request that arrives from now on. */
  nextRequest(): Promise<ReceivedRequest>;
  close(): Promise<void>;
}

export async function startFakeMcpServer(
  behaviour: Behaviour = json({}),
  { path = "/mcp", readBody = true }: { path?: string; readBody?: boolean | "never" } = {},
): Promise<FakeMcpServer> {
  const received: ReceivedRequest[] = [];
  const waiting: ((request: ReceivedRequest) => void)[] = [];
  const sockets = new Map<Socket, number>();
  const server = createServer(async (incoming, answer) => {
    const { socket } = incoming;
    const ordinal = (sockets.get(socket) ?? 0) + 1;
    sockets.set(socket, ordinal);
    const closed = new Promise<void>((resolve) => {
      answer.once("close", resolve);
      socket.once("close", resolve);
    });
    const request: ReceivedRequest = {
      method: incoming.method!,
      url: incoming.url!,
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      body: "",
      ordinal,
      closed,
    };
    if (readBody === true) {
      try {
        for await (const chunk of incoming) request.body += chunk;
      } catch {
        request.body += " [broken off]";
      }
    } else if (readBody === false) incoming.on("error", () => {}).resume(); // else a full socket would hide that the peer has left
    received.push(request);
    waiting.splice(0).forEach((resolve) => resolve(request));
    await behaviour(request, answer, socket);
  });
  server.on("connection", (socket: Socket) => {
    if (!sockets.has(socket)) sockets.set(socket, 0);
    socket.setMaxListeners(0); // one for each request it carries
    socket.on("error", () => {}); // the tests break connections on purpose
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}${path}`,
    received,
    behave: (next) => void (behaviour = next),
    nextRequest: () => new Promise((resolve) => waiting.push(resolve)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of sockets.keys()) socket.destroy();
      }),
  };
}

export function json(body: unknown, { status = 200, headers = {} }: AnswerHead = {}): Behaviour {
  return (_request, answer) => {
    const text = JSON.stringify(body);
    answer.writeHead(status, { "content-type": "application/json", "content-length": text.length, ...headers });
    answer.end(text);
  };
}

interface AnswerHead {
  status?: number;
  headers?: Record<string, string | string[]>;
}

/** What arrived, as the JSON that `ReceivedRequest` prints to. */
export const echo: Behaviour = (request, answer, socket) =>
  json({ method: request.method, url: request.url, rawHeaders: request.rawHeaders, body: request.body })(
    request,
    answer,
    socket,
  );

/** The given pieces at once; then the stream stays open, unless `end`. */
export function sse(
  pieces: readonly string[],
  { end = false, headers = {} as Record<string, string> } = {},
): Behaviour {
  return (_request, answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream", ...headers });
    answer.flushHeaders();
    for (const piece of pieces) answer.write(piece);
    if (end) answer.end();
  };
}

export function gzip(text: string, contentType = "application/json"): Behaviour {
  return (_request, answer) => {
    const body = gzipSync(text);
    answer.writeHead(200, { "content-type": contentType, "content-encoding": "gzip", "content-length": body.length });
    answer.end(body);
  };
}

export function redirect(location: string, status = 302): Behaviour {
  return (_request, answer) => void answer.writeHead(status, { location }).end();
}

export const html: Behaviour = (_request, answer) =>
  void answer.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");

/** Never answers. */
export const hang: Behaviour = () => {};

export const dieBeforeHead: Behaviour = (_request, _answer, socket) => void socket.destroy();

/** Sends the head and `text`, and breaks off once that has left, and not before `seen`, where the client has to see it. */
export function dieMidBody(text: string, contentType = "text/event-stream", seen?: Promise<void>): Behaviour {
  return (_request, answer, socket) => {
    answer.writeHead(200, { "content-type": contentType });
    answer.write(text, async () => {
      await (seen ?? new Promise((resolve) => setTimeout(resolve, 20)));
      socket.destroy();
    });
  };
}

/** Answers the first request of each connection and drops the connection at the second: a kept connection that has died. */
export const closeKeptConnections: Behaviour = (request, answer, socket) => {
  if (request.ordinal > 1) return void socket.destroy();
  return json({ ordinal: request.ordinal })(request, answer, socket);
};

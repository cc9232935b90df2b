// Run by the bench: large bodies, sent at one end of a proxy and compared byte by byte at the other. Both ends in one process.
import { connect, createServer, type Socket } from "node:net";
import { answerCommands } from "./peer_process.ts";
import { type BodyDecoder, createBodyDecoder } from "./body_decoder.ts";
import { patternChecker, patternFrom } from "./byte_pattern.ts";

export interface Transfer {
  url: string;
  token: string;
  direction: "up" | "down";
  bytes: number;
  /** Bytes a second that the receiving end takes; as fast as it can when absent. */
  receiverRate?: number;
}

export interface Transferred {
  seconds: number;
  isIdentical: boolean;
}

/** Uploads: what the downstream found in the last one. */
let uploaded: Receiver | undefined;
let receiverRate: number | undefined;
let bytes = 0;

const commands = {
  /** The port of the downstream. */
  listen: () =>
    new Promise<number>((settle) => {
      const server = createServer(serve);
      server.listen(0, "127.0.0.1", () => settle((server.address() as { port: number }).port));
    }),

  async transfer(transfer: Transfer): Promise<Transferred> {
    ({ receiverRate, bytes } = transfer);
    const started = performance.now();
    const received = transfer.direction === "down" ? await download(transfer) : await upload(transfer);
    return { seconds: (performance.now() - started) / 1000, isIdentical: received.isIdentical() };
  },
};

export type BodyCommands = typeof commands;

/** The MCP server: a GET gets the body, a POST is answered when all of its body has come. */
function serve(socket: Socket): void {
  let head = "";
  let receiver: Receiver | undefined;
  socket.on("data", (chunk: Buffer) => {
    let rest: Buffer | undefined = chunk;
    if (receiver === undefined) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      if (head.startsWith("GET")) {
        head = "";
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n`);
        return void sendPattern(socket, bytes);
      }
      rest = chunk.subarray(chunk.length - (head.length - end - 4));
      uploaded = receiver = receive(socket, receiverRate);
    }
    if (!receiver.take(rest)) return;
    receiver = undefined;
    head = "";
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  });
  socket.on("error", () => socket.destroy());
}

function download({ url, token, receiverRate }: Transfer): Promise<Receiver> {
  return new Promise((settle, reject) => {
    const socket = open(url, `GET`, `Authorization: Bearer ${token}\r\n`, reject);
    let head = "";
    let receiver: Receiver | undefined;
    let decoder: BodyDecoder | undefined;
    socket.on("data", (chunk: Buffer) => {
      let rest = chunk;
      if (receiver === undefined) {
        head += chunk.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        rest = chunk.subarray(chunk.length - (head.length - end - 4));
        head = head.slice(0, end + 2);
        if (!head.startsWith("HTTP/1.1 200")) return reject(new Error(head));
        receiver = receive(socket, receiverRate);
        decoder = createBodyDecoder(head);
      }
      for (const part of decoder!.take(rest)) if (receiver.take(part)) settle(receiver);
    });
  });
}

function upload({ url, token, bytes }: Transfer): Promise<Receiver> {
  return new Promise((settle, reject) => {
    const headers = `Content-Type: application/json\r\nContent-Length: ${bytes}\r\nAuthorization: Bearer ${token}\r\n`;
    const socket = open(url, "POST", headers, reject);
    void sendPattern(socket, bytes);
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.toString("latin1").startsWith("HTTP/1.1 200")) reject(new Error(chunk.toString("latin1")));
      else settle(uploaded!);
    });
  });
}

/** A connection for one exchange. */
function open(url: string, method: string, headers: string, failed: (error: Error) => void): Socket {
  const { hostname, port, pathname, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", failed);
  socket.on("close", () => failed(new Error("closed before the end")));
  socket.write(`${method} ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`);
  return socket;
}

async function sendPattern(socket: Socket, bytes: number): Promise<void> {
  const pieceBytes = 65_536;
  for (let sent = 0; sent < bytes; sent += pieceBytes) {
    const flows = socket.write(patternFrom(sent, Math.min(pieceBytes, bytes - sent)));
    if (!flows) await new Promise((resolve) => socket.once("drain", resolve));
  }
}

interface Receiver {
  /** Whether that was the last of it. */
  take(chunk: Buffer): boolean;
  isIdentical(): boolean;
}

/** Compares, and at a given rate leaves the rest to the kernel until its time has come. */
function receive(socket: Socket, rate: number | undefined): Receiver {
  const checker = patternChecker();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const started = performance.now();
  return {
    take(chunk) {
      checker.take(chunk);
      if (rate !== undefined) {
        const aheadMs = checker.taken() / rate * 1000 - (performance.now() - started);
        if (aheadMs > 5) {
          socket.pause();
          clearTimeout(timer);
          timer = setTimeout(() => socket.resume(), aheadMs);
        }
      }
      return checker.taken() >= bytes;
    },
    isIdentical: () => checker.isIdentical() && checker.taken() === bytes,
  };
}

answerCommands(commands);

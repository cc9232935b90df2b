// Run by the bench: the MCP server at one end of thousands of event streams, and their readers at the other. Both in one
// process, so that one clock times an event from its writing to its arrival.
import { connect, createServer, type Socket } from "node:net";
import { answerCommands } from "./peer_process.ts";
import { downstreamKey } from "./downstream.ts";

export interface StreamState {
  readers: number;
  /** Connections that the downstream has open. */
  served: number;
  /** Streams that ended without our doing. */
  cut: number;
  /** Requests that came without the credential, and answers other than 200. */
  wrong: number;
}

export interface OpenStreams {
  url: string;
  /** One stream each. */
  tokens: string[];
}

const served = new Set<Socket>();
const readers = new Set<Socket>();
let cut = 0;
let wrong = 0;
let events = 0;
/** What the readers wait for, and whom to tell. */
let wanted = "";
let arrived: (reader: Socket) => void = () => {};

/** With a comment at once: Bun sends the end of an answer's head with the first byte of its body only. */
const head =
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n" +
  "\r\n9\r\n: ready\n\n\r\n";

const commands = {
  /** The port of the downstream; `/checked` wants the credential. */
  listen: () =>
    new Promise<number>((settle) => {
      const server = createServer(serve);
      server.listen(0, "127.0.0.1", 4096, () => settle((server.address() as { port: number }).port));
    }),

  /** Seconds until all were open. */
  async open({ url, tokens }: OpenStreams): Promise<number> {
    const started = performance.now();
    const left = [...tokens];
    const opener = async () => {
      for (let token = left.pop(); token !== undefined; token = left.pop()) await openStream(url, token);
    };
    await Promise.all(Array.from({ length: 64 }, opener));
    return (performance.now() - started) / 1000;
  },

  state: (): StreamState => ({ readers: readers.size, served: served.size, cut, wrong }),

  /** Events through one stream, one each 10 ms: microseconds from write to arrival, ascending. */
  async paced(count: number): Promise<number[]> {
    const times: number[] = [];
    const [stream] = served;
    for (let i = 0; i < count; i++) {
      const took = nextArrivals(1);
      writeEvent(stream!);
      times.push(...await took);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return times.sort((a, b) => a - b);
  },

  /** One event to all: microseconds from the first write to each arrival, ascending. Fewer than streams: not all arrived in 30 s. */
  async toAll(): Promise<number[]> {
    const took = nextArrivals(served.size);
    for (const stream of served) writeEvent(stream);
    const times = await took;
    wrong += served.size - times.length;
    return times;
  },

  /** Half of the readers leave at once: milliseconds until the downstream has lost as many; 30 000 stands for more. */
  async leaveHalf(): Promise<number> {
    const leaving = [...readers].filter((_, i) => i % 2 === 0);
    const target = served.size - leaving.length;
    const started = performance.now();
    for (const reader of leaving) {
      readers.delete(reader);
      reader.destroy();
    }
    while (served.size > target) {
      if (performance.now() - started > 30_000) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return performance.now() - started;
  },
};

export type StreamCommands = typeof commands;

function serve(socket: Socket): void {
  let request = "";
  socket.setNoDelay(true).setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    request += chunk;
    if (!request.includes("\r\n\r\n")) return;
    if (request.includes(" /checked") && !request.includes(downstreamKey)) wrong++;
    request = "";
    socket.write(head);
    served.add(socket);
  });
  socket.on("error", () => {}); // the close that follows counts
  socket.on("close", () => served.delete(socket));
}

/** Settles when the head of the answer is there. */
function openStream(url: string, token: string): Promise<void> {
  const { hostname, port, pathname, host } = new URL(url);
  return new Promise((settle, reject) => {
    const socket = connect(Number(port), hostname);
    let received = "";
    let isOpen = false;
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("connect", () => {
      const headers = `Host: ${host}\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${token}`;
      socket.write(`GET ${pathname} HTTP/1.1\r\n${headers}\r\n\r\n`);
    });
    socket.on("data", (chunk: string) => {
      received += chunk;
      if (!isOpen && received.includes("\r\n\r\n")) {
        isOpen = true;
        if (received.startsWith("HTTP/1.1 200")) readers.add(socket);
        else wrong++;
        settle();
      }
      if (isOpen && received.includes(wanted)) {
        if (wanted !== "") arrived(socket);
        received = "";
      }
    });
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error(`closed before the answer came: ${received.slice(0, 200)}`));
      if (readers.delete(socket)) cut++;
    });
  });
}

function writeEvent(stream: Socket): void {
  const event = `event: message\nid: ${events}\ndata: {"event":"${wanted}"}\n\n`;
  stream.write(`${event.length.toString(16)}\r\n${event}\r\n`);
}

/** Microseconds from now until each of the next arrivals of the next event. */
function nextArrivals(count: number): Promise<number[]> {
  wanted = `event-${events++}-`;
  const started = performance.now();
  const times: number[] = [];
  return new Promise((settle) => {
    const finish = () => {
      clearTimeout(timer);
      arrived = () => {};
      settle(times);
    };
    const timer = setTimeout(finish, 30_000);
    arrived = () => {
      times.push((performance.now() - started) * 1000);
      if (times.length === count) finish();
    };
  });
}

answerCommands(commands);

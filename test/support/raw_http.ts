// HTTP as bytes, for what a fetch would hide.
import net from "node:net";

export interface RawExchange {
  /** All bytes so far, one character each. */
  text(): string;
  /** Resolves once `wanted` has arrived; rejects when the connection ends before. */
  until(wanted: string): Promise<string>;
  /** The system has taken the first text. */
  sent: Promise<void>;
  /** How the server ended the connection. */
  closed: Promise<"end" | "reset">;
  write(text: string): void;
  destroy(): void;
}

/** Connects to loopback and sends `text`. */
export function rawRequest(port: number, text: string): RawExchange {
  let received = "";
  const watchers = new Set<() => void>();
  let how: "end" | "reset" | undefined;
  const taken = Promise.withResolvers<void>();
  const socket = net.connect(port, "127.0.0.1", () => socket.write(text, () => taken.resolve()));
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    received += chunk;
    watchers.forEach((watch) => watch());
  });
  const closed = new Promise<"end" | "reset">((resolve) => {
    socket.on("end", () => how ??= "end");
    socket.on("error", () => how = "reset");
    socket.on("close", () => {
      resolve(how ?? "reset");
      watchers.forEach((watch) => watch());
    });
  });
  return {
    text: () => received,
    sent: taken.promise,
    closed,
    write: (more) => void socket.write(more),
    destroy: () => void socket.destroy(),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (received.includes(wanted)) resolve(received);
          else if (socket.destroyed) reject(new Error(`closed before ${JSON.stringify(wanted)}: ${received}`));
          else return;
          watchers.delete(watch);
        };
        watchers.add(watch);
        watch();
      }),
  };
}

/** The head of a request over HTTP/1.1. */
export function requestHead(method: string, path: string, headers: Record<string, string>): string {
  const lines = Object.entries({ Host: "127.0.0.1", ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

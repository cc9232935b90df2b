// A connection in front of the proxy that keeps all that the proxy says to its clients: heads, pages, redirects, answers.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface RecordingRelay {
  url: string;
  /** Sends connections to this port from now on. */
  to(port: number): void;
  /** Every byte so far, one connection after the other. */
  answers(): string;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRecordingRelay(): Promise<RecordingRelay> {
  const open = new Set<Socket>();
  const recorded: Buffer[][] = [];
  let target = 0;
  const server = createServer((near) => {
    const far = connect({ port: target, host: "127.0.0.1" });
    const chunks: Buffer[] = [];
    recorded.push(chunks);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("close", () => open.delete(socket)).on("error", () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on("data", (chunk: Buffer) => chunks.push(chunk)).pipe(near);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (port) => void (target = port),
    answers: () => recorded.map((chunks) => Buffer.concat(chunks).toString()).join("\n"),
    [Symbol.asyncDispose]: () =>
      new Promise((settle) => {
        open.forEach((socket) => socket.destroy());
        server.close(() => settle());
      }),
  };
}

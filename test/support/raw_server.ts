// A server that sends whatever bytes a test wants, over TCP or TLS: for answers that no HTTP library would write.
import net, { type AddressInfo, type Socket } from "node:net";
import tls from "node:tls";
import { testServerKey } from "./test_certificates.ts";

export interface RawServer {
  port: number;
  /** request heads as received, without the empty line */
  requests: string[];
  /** TCP connections so far, also those that never became a request */
  connections: () => number;
  /** fulfilled when the last open connection is closed, by whichever side */
  idle: () => Promise<void>;
  stop: () => Promise<void>;
}

/**
 * Listens on loopback until stopped.
 *
 * @param answer called once per request head; what it writes is sent as it is
 * @param certificate PEM, key is testServerKey; absent: no TLS
 */
export async function startRawServer(
  answer: (socket: Socket, head: string) => void,
  { certificate, host = "127.0.0.1", port = 0 }: { certificate?: string; host?: string; port?: number } = {},
): Promise<RawServer> {
  const requests: string[] = [];
  const open = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let connections = 0;

  const onRequests = (socket: Socket) => {
    let head = "";
    socket.on("data", (chunk) => {
      head += chunk;
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      requests.push(head.slice(0, end));
      answer(socket, head.slice(0, end));
      head = "";
    });
    // A client that hangs up is what many of these tests are about.
    socket.on("error", () => socket.destroy());
  };
  const server = certificate === undefined
    ? net.createServer(onRequests)
    : tls.createServer({ cert: certificate, key: testServerKey }, onRequests);
  server.on("tlsClientError", () => {});
  server.on("connection", (socket: Socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      open.delete(socket);
      if (open.size === 0) waiting.splice(0).forEach((done) => done());
    });
  });
  await new Promise<void>((done, fail) => server.on("error", fail).listen(port, host, done));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    idle: () => new Promise((done) => open.size === 0 ? done() : waiting.push(done)),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of open) socket.destroy();
      }),
  };
}

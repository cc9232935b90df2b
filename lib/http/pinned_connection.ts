import net from "node:net";
import type tls from "node:tls";
import type { FetchTarget } from "./fetch_target.ts";

export interface PinnedConnectionOptions {
  /** whole span for all addresses; each gets an equal part, so a dead one cannot use up the time of the next */
  timeoutMs: number;
  /** closes the connection, whether or not it is established */
  signal: AbortSignal;
  /** PEM; replaces the runtime's certificate authorities */
  ca?: string;
}

/**
 * Connects to one of the given addresses, never to anything a second lookup would give. For an encrypted target the
 * certificate has been verified against the host name when this returns, whatever NODE_TLS_REJECT_UNAUTHORIZED says.
 *
 * @param addresses IP addresses that passed the check, tried in order
 * @throws Error of the last attempt
 */
export async function connectPinned(
  target: FetchTarget,
  addresses: string[],
  { timeoutMs, signal, ca }: PinnedConnectionOptions,
): Promise<net.Socket> {
  let failure: unknown = new Error("no address to connect to");
  for (const address of addresses) {
    signal.throwIfAborted();
    const socket = target.encrypted ? startTls(target, address, ca) : net.connect({ host: address, port: target.port });
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    try {
      await isReady(socket, target.encrypted ? "secureConnect" : "connect", timeoutMs / addresses.length);
      return socket;
    } catch (error) {
      socket.destroy();
      failure = error;
    }
  }
  throw failure;
}

function startTls(target: FetchTarget, address: string, ca: string | undefined): tls.TLSSocket {
  return process.getBuiltinModule("node:tls").connect({
    host: address,
    port: target.port,
    // RFC 6066 §3 has no server name for IP addresses; the certificate is then checked against `host`.
    servername: net.isIP(target.host) === 0 ? target.host : undefined,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: true,
    ca,
  });
}

function isReady(socket: net.Socket, event: "connect" | "secureConnect", timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no connection within ${Math.round(timeoutMs)} ms`)), timeoutMs);
    const settle = (error?: Error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    };
    socket.once(event, () => settle());
    // Stays attached: an error after this point also closes the socket, which the exchange sees.
    socket.on("error", settle);
    socket.once("close", () => settle(new Error("the connection was closed before it was ready")));
  });
}

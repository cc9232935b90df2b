// fetch can't tell "still connecting" from "connected and thinking": a bare TCP connection beside it can.
import net from "node:net";

/**
 * Whether the host of `url` takes a TCP connection within `timeoutMs`. True where an outgoing proxy is configured in the
 * environment, because then a direct connection says nothing.
 */
export function isReachable(url: URL, timeoutMs: number): Promise<boolean> {
  if (hasOutgoingProxy()) return Promise.resolve(true);
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: timeoutMs });
    const settle = (reachable: boolean) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once("connect", () => settle(true)).once("timeout", () => settle(false)).once("error", () => settle(false));
  });
}

/** Requests are to leave through a proxy that the environment names, as far as the runtime takes notice. */
export function hasOutgoingProxy(): boolean {
  return ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].some((name) =>
    (process.env[name] ?? process.env[name.toLowerCase()] ?? "") !== ""
  );
}

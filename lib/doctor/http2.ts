// HTTP/2, which fetch speaks on one of our runtimes only, and to which edges apply other rules than to HTTP/1.1.
import http2 from "node:http2";
import { isIP } from "node:net";
import tls from "node:tls";

export interface Reading {
  /** Called with each piece as it comes, and the milliseconds since the request was sent. */
  add: (text: string, atMs: number) => void;
  /** Until the end of the answer. */
  timeoutMs: number;
}

/**
 * Reads the answer to a GET until it ends or is cut, which looks the same from here. The certificate is examined elsewhere; here it
 * may be any, as nothing secret is sent.
 *
 * @returns false where HTTP/2 is not offered
 */
export async function readOverHttp2(url: URL, { add, timeoutMs }: Reading): Promise<boolean> {
  if (url.protocol !== "https:" || !await offersHttp2(url)) return false;
  const session = http2.connect(url.origin, { rejectUnauthorized: false });
  const timer = setTimeout(() => session.destroy(), timeoutMs);
  try {
    await new Promise<void>((settle) => {
      session.once("error", () => settle());
      session.once("close", () => settle());
      const stream = session.request({
        ":method": "GET",
        ":path": url.pathname + url.search,
        "accept": "text/event-stream",
        "user-agent": "mcp-oauth-proxy-doctor",
      });
      stream.setEncoding("utf8");
      const sent = performance.now();
      stream.on("data", (text: string) => add(text, performance.now() - sent));
      stream.once("error", () => settle());
      stream.once("end", () => settle());
    });
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
  return true;
}

/** By ALPN (RFC 9113 §3.2). */
function offersHttp2(url: URL): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port: Number(url.port || 443),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ["h2", "http/1.1"],
      rejectUnauthorized: false,
      timeout: 5000,
    });
    const settle = (offered: boolean) => {
      socket.destroy();
      resolve(offered);
    };
    socket.once("secureConnect", () => settle(socket.alpnProtocol === "h2"));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}

// Who may read /metrics on the main listener: programs on this machine and in the trusted networks, not those for whom a
// reverse proxy there asks.
import type { Config } from "../config/config.ts";
import { createAddressList } from "./client_address.ts";

/** What reverse proxies and tunnels add. One of them means that somebody else is asking. */
const forwardingHeaders = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "cf-connecting-ip",
  "true-client-ip",
  "via",
];

const loopback = ["127.0.0.0/8", "::1"];

/**
 * True for a peer on loopback or in `trusted_proxies` that asks for itself. A reverse proxy that says nothing of its client is
 * known by the public host in the request; where that, too, is rewritten, only a listener of its own keeps /metrics private.
 */
export function createScrapeAccess(config: Config): (request: Request, remoteAddress: string) => boolean {
  const isNear = createAddressList([...loopback, ...config.server.trustedProxies]);
  const publicHosts = new Set(
    config.resources.map(({ urls }) => new URL(urls.resource).hostname).filter((host) => !isLoopbackHost(host)),
  );
  return (request, remoteAddress) =>
    isNear(remoteAddress) &&
    !forwardingHeaders.some((name) => request.headers.has(name)) &&
    !publicHosts.has(new URL(request.url).hostname);
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}

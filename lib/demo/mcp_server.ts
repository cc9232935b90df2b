// An MCP server that wants an API key, for `demo` and for tests: Streamable HTTP of every revision, and HTTP+SSE.
// Written by hand, not on the SDK: it is a few hundred lines in every binary, and it speaks 2026-07-28 too.
import { createLegacySse } from "./legacy_sse.ts";
import { streamableHttp } from "./streamable_http.ts";

export interface DemoMcpServerOptions {
  /** What `Authorization: Bearer` must hold: this key, or any that is found good. */
  apiKey: string | ((key: string) => boolean);
  /** Seconds since the epoch. */
  now: () => number;
}

/**
 * The server as a fetch handler: `/mcp` is Streamable HTTP, `/sse` with `/messages` the transport before it,
 * and `/verify` answers 200 or 401 for a key, as an API's "who am I" would. Holds open streams, nothing else.
 */
export function createDemoMcpServer(options: DemoMcpServerOptions): (request: Request) => Promise<Response> {
  const { apiKey } = options;
  const isGood = (key: string) => typeof apiKey === "string" ? key === apiKey : apiKey(key);
  const legacySse = createLegacySse("/messages", options.now);
  return async (request) => {
    if (!isLocalOrigin(request.headers.get("origin"))) return new Response("Origin not allowed.\n", { status: 403 });
    const [, key] = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    if (key === undefined || !isGood(key)) return unauthorized();
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /sse":
        return legacySse.open();
      case "POST /messages":
        return await legacySse.receive(request);
      case "GET /verify":
        return new Response("The key is good.\n");
    }
    if (pathname === "/mcp") return await streamableHttp(request, options.now);
    return new Response("The MCP server is at /mcp, or at /sse for old clients.\n", { status: 404 });
  };
}

/** It listens on loopback only; a page from elsewhere that reached it rebound its DNS name (MCP, Security & Endpoint). */
function isLocalOrigin(origin: string | null): boolean {
  return origin === null || /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}

function unauthorized(): Response {
  return new Response("This MCP server wants its API key as `Authorization: Bearer <key>`.\n", {
    status: 401,
    headers: { "www-authenticate": 'Bearer realm="demo"' },
  });
}

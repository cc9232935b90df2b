// Browsers and /mcp: the Origin check that MCP demands against DNS rebinding (Streamable HTTP, Security), and CORS for those allowed.
import type { ServerConfig } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";

const exposed = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, Retry-After, Last-Event-ID";
const methods = "GET, POST, DELETE, OPTIONS";
const loopbackHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Lets our own origin pass, the operator's `allowed_origins`, and any loopback origin when the
 * public URL is loopback itself.
 *
 * @throws OAuthError `access_denied`, 403
 */
export function checkOrigin(origin: string, server: ServerConfig, resourceUrl: string): void {
  if (origin === new URL(resourceUrl).origin) return;
  if (server.allowedOrigins.includes(origin)) return;
  if (isLoopback(server.publicUrl) && isLoopback(origin)) return;
  throw new OAuthError("access_denied", "pages of this origin may not call this MCP server", {
    operatorHint: `add it to server.allowed_origins: "${origin.slice(0, 200)}"`,
  });
}

/** Lets a page of `origin`, which was checked, read the answer. */
export function allowOrigin(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", exposed);
  headers.append("vary", "Origin");
}

/** Among the requests with an origin: a preflight is an OPTIONS that announces another method (Fetch §3.3.2). */
export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** The answer to a preflight from `origin`, which was checked. */
export function preflightAnswer(request: Request, origin: string): Response {
  const headers = new Headers({
    "access-control-allow-methods": methods,
    "access-control-allow-headers": request.headers.get("access-control-request-headers") ??
      "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Session-Id, Last-Event-ID",
    "access-control-max-age": "7200",
  });
  allowOrigin(headers, origin);
  return new Response(null, { status: 204, headers });
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && loopbackHosts.has(new URL(url).hostname);
}

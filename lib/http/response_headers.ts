// The headers that whole groups of answers share.

/** Answers that hold tokens or personal pages are never kept anywhere (RFC 6749 §5.1). */
export const noStore: Readonly<Record<string, string>> = { "cache-control": "no-store", "pragma": "no-cache" };

/** Documents that are the same for everybody. */
export const publicDocument: Readonly<Record<string, string>> = { "cache-control": "public, max-age=300" };

/**
 * CORS of the endpoints that browser clients call without cookies: discovery, registration, token, revocation. Any origin
 * may read them, because they hold nothing that a browser would add by itself (Fetch §3.3).
 */
export const publicCors: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "WWW-Authenticate, Retry-After",
};

/** The answer to a preflight of such an endpoint. */
export function publicPreflight(methods: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": methods,
      "access-control-allow-headers": "Authorization, Content-Type, MCP-Protocol-Version",
      "access-control-max-age": "86400",
    },
  });
}

/** Headers of a page that asks for something: not framed, not cached, nothing loaded, no referrer. */
export function pageHeaders(contentSecurityPolicy: string): Record<string, string> {
  return {
    ...noStore,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": contentSecurityPolicy,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  };
}

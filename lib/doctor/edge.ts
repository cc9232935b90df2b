// Which reverse proxy stands in front, by what it writes into its answers, and what to change in it.

export type Edge = "cloudflare" | "nginx" | "caddy" | "unknown";
export type Topic = "user agent" | "buffering" | "timeout" | "path" | "host" | "header" | "cookie" | "down";

/** The outermost one that gives itself away. */
export function edgeOf(headers: Headers): Edge {
  const server = headers.get("server") ?? "";
  if (headers.has("cf-ray") || /^cloudflare/i.test(server)) return "cloudflare";
  if (/^nginx|^openresty/i.test(server)) return "nginx";
  if (/caddy/i.test(server) || /caddy/i.test(headers.get("via") ?? "")) return "caddy";
  return "unknown";
}

/** One sentence for the operator. */
export function adviceFor(edge: Edge, topic: Topic): string {
  return advice[topic][edge] ?? advice[topic].unknown;
}

const advice: Record<Topic, Partial<Record<Edge, string>> & { unknown: string }> = {
  "user agent": {
    cloudflare:
      'turn off "Block AI bots" and Bot Fight Mode for this host, or add a WAF rule that skips them for it (Security → WAF → Custom rules, action Skip)',
    nginx: "remove the rule on $http_user_agent for this host (an if, a map, or an included list of bad bots)",
    caddy: "remove the matcher on the User-Agent header for this host",
    unknown: "allow this user agent at the edge (WAF, CDN, bot protection); Claude calls from 160.79.104.0/21",
  },
  "buffering": {
    nginx:
      "in the location: proxy_buffering off; proxy_http_version 1.1; and no proxy_ignore_headers X-Accel-Buffering",
    caddy: "in reverse_proxy: flush_interval -1, and no buffer_responses or response_buffers",
    cloudflare: "turn off what rewrites or compresses the body for this host (Rocket Loader, Email Obfuscation, …)",
    unknown: "turn off response buffering at the edge for this host, and compression of text/event-stream",
  },
  "timeout": {
    nginx: "in the location: proxy_read_timeout 1h; and no shorter send_timeout",
    caddy: "in reverse_proxy: no read_timeout in transport http, and no write timeout in servers { timeouts }",
    cloudflare:
      "Cloudflare ends what is silent for about 100 s: keep server.sse_keepalive well below, and long tool calls on SSE",
    unknown: "raise the read, idle and response timeouts of the edge for this host to an hour",
  },
  "path": {
    nginx: "one location / { proxy_pass http://127.0.0.1:8080; } for the whole host, without anything after the port",
    caddy:
      "reverse_proxy 127.0.0.1:8080 for the whole site, without a path matcher, handle_path or uri strip_prefix around it",
    unknown: "have the edge pass every path of this host on, unchanged, /.well-known/ too",
  },
  "host": {
    nginx: "in the location: proxy_set_header Host $host;",
    caddy: "in reverse_proxy: no header_up Host",
    unknown: "have the edge pass the Host header on as the client sent it",
  },
  "header": {
    nginx: "remove proxy_hide_header, more_clear_headers, or the proxy_set_header that empties it",
    caddy: "remove the header, header_down or header_up line that deletes it",
    cloudflare: "look for a Transform Rule that removes it",
    unknown: "look for the rule at the edge that removes or replaces it",
  },
  "cookie": {
    nginx: "remove proxy_cookie_domain, proxy_cookie_path and proxy_cookie_flags",
    caddy: "remove the header, header_down or header_up line that changes Set-Cookie",
    unknown: "have the edge pass Set-Cookie on as it is: no Domain, Path=/ and Secure",
  },
  "down": {
    unknown: "look whether mcp-oauth-proxy runs, and whether the edge forwards to the port that its log names",
  },
};

// What happens on http:// of the same host: users paste URLs without the s.
import { ask, type Tools } from "./ask.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** Only for https on its own port: nobody knows where else http would be. */
export async function examinePlainHttp(url: URL, tools: Tools): Promise<Finding | undefined> {
  if (url.protocol === "http:") {
    return isLoopback(url) ? undefined : problem(
      "https",
      "without TLS everybody on the way can read keys and tokens, and Claude and ChatGPT refuse such a URL",
      'put HTTPS in front, and set server.public_url = "https://…"',
    );
  }
  if (url.port !== "") return undefined;
  const plain = new URL(`http://${url.host}${url.pathname}`);
  const answer = await ask(plain, {}, { ...tools, timeoutMs: 3000 }).catch(() => undefined);
  if (answer === undefined) return ok("https", "http:// is closed");
  const target = URL.parse(answer.headers.get("location") ?? "", plain);
  if (answer.status >= 300 && answer.status < 400 && target?.protocol === "https:") {
    return target.host === url.host && target.pathname === url.pathname
      ? ok("https", "http:// redirects to https://")
      : warning(
        "https",
        `http:// redirects to ${target.origin}${target.pathname}`,
        "redirect to the same host and path on https",
      );
  }
  return warning(
    "https",
    `http:// answers ${answer.status} instead of redirecting, so a key may travel in clear`,
    "redirect http to https at the edge (Caddy does by itself; nginx: return 308 https://$host$request_uri;)",
  );
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

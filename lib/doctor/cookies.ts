// Every page ties its form to the browser by a cookie. An edge that drops or rewrites it shows as "cookies are blocked" to each user.
import { ask, type Tools } from "./ask.ts";
import { adviceFor, edgeOf } from "./edge.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** @param metadata RFC 8414; nothing is found where it names no authorization endpoint at `url` */
export async function examineCookies(
  url: URL,
  metadata: Record<string, unknown>,
  tools: Tools,
): Promise<Finding[]> {
  const authorize = URL.parse(String(metadata.authorization_endpoint ?? ""));
  if (authorize === null || authorize.origin !== url.origin) return [];
  // The one page that needs no client; it is published beside the endpoint.
  const place = new URL(authorize.pathname.replace(/\/authorize(\/.*)?$/, "/apps"), url.origin);
  const { status, headers } = await ask(place, { headers: { accept: "text/html" } }, tools);
  if (status !== 200) return []; // that paths are missing is said of the endpoints
  const edge = edgeOf(headers);
  const cookie = headers.getSetCookie().find((line) => /^(__Host-)?mcp-browser=/.test(line));
  if (cookie === undefined) {
    return [problem("cookies", "the edge removes Set-Cookie, so every form is refused", adviceFor(edge, "header"))];
  }
  const [name = "", ...attributes] = cookie.split(/;\s*/);
  const has = (attribute: RegExp) => attributes.some((each) => attribute.test(each));
  // RFC 6265bis §4.1.3.2: a browser drops it without a word otherwise.
  const isKept = !has(/^domain=/i) && has(/^path=\/$/i) && (has(/^secure$/i) || !name.startsWith("__Host-"));
  const rewritten = `the edge rewrites cookies, so browsers drop them: ${attributes.join("; ")}`;
  return [
    isKept
      ? ok("cookies", "cookies come through as they are set")
      : problem("cookies", rewritten, adviceFor(edge, "cookie")),
  ];
}

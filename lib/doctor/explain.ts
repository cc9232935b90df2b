// What it means when an answer is not the proxy's.
import type { Answer } from "./ask.ts";
import { adviceFor, edgeOf } from "./edge.ts";

export interface Explanation {
  /** Continues a sentence whose subject is the URL: "answers …". */
  text: string;
  fix: string;
}

/** For an answer that should have been another one. */
export function explain(answer: Answer): Explanation {
  const { status } = answer;
  const edge = edgeOf(answer.headers);
  if (status >= 300 && status < 400) {
    return {
      text: `redirects to ${redirectTarget(answer)}`,
      fix:
        "answer it at this very URL: clients don't follow redirects here (look for forced slashes, www, or a login page)",
    };
  }
  if (status === 421) {
    return { text: "answers 421: the proxy was asked for a host it does not publish", fix: adviceFor(edge, "host") };
  }
  if (status === 404 && isOurs(answer)) {
    return {
      text: "reaches the proxy, which publishes nothing there (404)",
      fix: `look at the name in the path, and whether the edge changes the path: ${adviceFor(edge, "path")}`,
    };
  }
  if (status === 404 || status === 405) {
    return { text: `is not forwarded to the proxy: something else answers ${status}`, fix: adviceFor(edge, "path") };
  }
  if (status === 502 || status === 504 || status === 503 || (status >= 520 && status <= 530)) {
    return { text: `answers ${status}: the edge gets no answer from the proxy`, fix: adviceFor(edge, "down") };
  }
  if (status >= 500) return { text: `fails (${status})`, fix: "the log of mcp-oauth-proxy has the reason" };
  if ([401, 403, 406, 429].includes(status)) {
    return {
      text: `is refused before it reaches the proxy (${status})`,
      fix: "let it pass at the edge: no basic authentication, no access login, no bot check in front of an MCP server",
    };
  }
  return {
    text: `answers ${status}${isPage(answer) ? " with a web page" : ""}, which is not the proxy's answer`,
    fix: adviceFor(edge, "path"),
  };
}

/** The two answers that say "not here" in the proxy's own words. */
function isOurs({ json }: Answer): boolean {
  return json?.error === "not_found" || json?.error === "unknown downstream";
}

function isPage({ headers }: Answer): boolean {
  return /^text\/html/i.test(headers.get("content-type") ?? "");
}

/** Without its query, which is none of ours. */
function redirectTarget({ headers, url }: Answer): string {
  const location = headers.get("location") ?? "";
  if (!URL.canParse(location, url)) return "nowhere";
  const { origin, pathname } = new URL(location, url);
  return origin + pathname;
}

// Clients in a browser need CORS (Fetch §3.3): on the documents for any origin, on the MCP server for the origins it allows,
// of which its own is always one.
import { type Answer, ask, type Tools } from "./ask.ts";
import { firstQuestion } from "./challenge.ts";
import { adviceFor, edgeOf } from "./edge.ts";
import { type Finding, ok, warning } from "./finding.ts";

/** What a page must be able to read, in lower case. */
const needed = ["www-authenticate", "mcp-session-id"];

export async function examineBrowsers(url: URL, tools: Tools): Promise<Finding> {
  const document = new URL(`/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, "")}`, url.origin);
  const anywhere = { origin: "https://inspector.example" };
  const own = { origin: url.origin };
  const announce = { "access-control-request-method": "POST", "access-control-request-headers": "authorization" };
  const [read, preflight, ownPreflight, challenge] = await Promise.all([
    ask(document, { headers: anywhere }, tools),
    ask(document, { method: "OPTIONS", headers: { ...anywhere, ...announce } }, tools),
    ask(url, { method: "OPTIONS", headers: { ...own, ...announce } }, tools),
    ask(url, { ...firstQuestion, headers: { ...firstQuestion.headers, ...own } }, tools),
  ]);
  const missing = [
    ...(allows(read) ? [] : ["Access-Control-Allow-Origin on the documents"]),
    ...(preflight.status < 300 && allows(preflight) ? [] : ["the preflight of the documents"]),
    ...(ownPreflight.status < 300 && allows(ownPreflight) ? [] : ["the preflight of the MCP server"]),
    ...(allows(challenge) ? [] : ["Access-Control-Allow-Origin on the MCP server"]),
    ...notExposed(challenge).map((name) => `${name} in Access-Control-Expose-Headers`),
  ];
  if (missing.length === 0) return ok("browsers", "clients in a browser may read the answers (CORS)");
  return warning(
    "browsers",
    `clients in a browser can't connect: the edge drops ${missing.join(", ")}`,
    `let OPTIONS and the Access-Control-* headers pass; ${adviceFor(edgeOf(challenge.headers), "header")}`,
  );
}

function allows({ headers }: Answer): boolean {
  return headers.has("access-control-allow-origin");
}

function notExposed({ headers }: Answer): string[] {
  const exposed = (headers.get("access-control-expose-headers") ?? "").toLowerCase().split(/\s*,\s*/);
  return needed.filter((name) => !exposed.includes(name));
}

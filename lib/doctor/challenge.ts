// The 401 that starts every login (RFC 6750 §3, RFC 9728 §5.1), and whether a token that is sent arrives.
import { parseChallenge } from "../oauth/bearer.ts";
import { type Answer, ask, type Question, type Tools } from "./ask.ts";
import { adviceFor, edgeOf } from "./edge.ts";
import { explain } from "./explain.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** What a client sends first. */
export const firstQuestion: Question = {
  method: "POST",
  headers: { "content-type": "application/json", "accept": "application/json, text/event-stream" },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "mcp-oauth-proxy-doctor", version: "1" },
    },
  }),
};

export async function examineChallenge(url: URL, tools: Tools): Promise<Finding[]> {
  const answer = await ask(url, firstQuestion, tools);
  const refused = examineRefusal(url, answer);
  return refused.level === "ok" ? [refused, await examineToken(url, tools)] : [refused];
}

function examineRefusal(url: URL, answer: Answer): Finding {
  if (answer.status !== 401) {
    if (answer.status < 300) {
      return problem(
        "challenge",
        `${url.pathname} answers ${answer.status} without a token: whoever knows the URL is let in`,
        "have the edge forward to mcp-oauth-proxy, not to the MCP server itself",
      );
    }
    const { text, fix } = explain(answer);
    return problem("challenge", `${url.pathname} ${text}`, fix);
  }
  const edge = edgeOf(answer.headers);
  const header = answer.headers.get("www-authenticate");
  const challenge = parseChallenge(header);
  if (challenge === undefined) {
    return problem(
      "challenge",
      header === null
        ? "the 401 has no WWW-Authenticate header, so clients don't learn where to log in"
        : `the 401 asks for ${header.split(" ")[0]} and not for Bearer: something in front has a login of its own`,
      header === null ? adviceFor(edge, "header") : "no login at the edge in front of an MCP server",
    );
  }
  const named = URL.parse(challenge.resource_metadata ?? "");
  if (named === null) {
    return problem("challenge", "the 401 names no resource_metadata", adviceFor(edge, "header"));
  }
  if (named.origin !== url.origin) {
    return problem(
      "challenge",
      `the 401 sends clients to ${named.href}, which is not at ${url.origin}`,
      `set server.public_url (or the downstream's host) to ${url.origin}`,
    );
  }
  return ok("challenge", "401 without a token, and it says where to log in");
}

/** An invalid token is answered otherwise than none, which shows whether the header came through. */
async function examineToken(url: URL, tools: Tools): Promise<Finding> {
  const headers = { ...firstQuestion.headers, authorization: "Bearer doctor" };
  const answer = await ask(url, { ...firstQuestion, headers }, tools);
  const challenge = parseChallenge(answer.headers.get("www-authenticate"));
  return answer.status === 401 && challenge?.error === "invalid_token"
    ? ok("token", "tokens arrive at the proxy")
    : problem(
      "token",
      "the Authorization header does not arrive at the proxy, so a client that is logged in is asked again and again",
      adviceFor(edgeOf(answer.headers), "header"),
    );
}

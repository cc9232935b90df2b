// Whether hosted clients get the answers that we get: edges block "AI bots" by their user agent, and the user only sees that
// Claude or ChatGPT "could not connect".
import { type Answer, ask, type Question, type Tools } from "./ask.ts";
import { firstQuestion } from "./challenge.ts";
import { adviceFor, edgeOf } from "./edge.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** What each sends, by observation. */
export const userAgents: Readonly<Record<string, string>> = {
  "Claude": "Claude-User",
  "Claude's discovery and login": "python-httpx/0.28.1",
  "Claude's web fetch":
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
  "Claude Code": "claude-code/2.1.278 (cli)",
  "ChatGPT": "openai-mcp/1.0.0 (ChatGPT)",
  "Cursor": "Cursor/3.21.18 (darwin arm64)",
  "Codex": "codex-mcp-client/1.0.0",
  "programs on Node": "node",
};

export async function examineUserAgents(url: URL, tools: Tools): Promise<Finding> {
  const document = new URL(`/.well-known/oauth-protected-resource${url.pathname.replace(/\/$/, "")}`, url.origin);
  const places: [URL, Question][] = [[document, {}], [url, firstQuestion]];
  const expected = await Promise.all(places.map(([place, question]) => ask(place, question, tools)));
  const blocked: { who: string; answer: Answer }[] = [];
  for (const [who, userAgent] of Object.entries(userAgents)) {
    const answers = await Promise.all(
      places.map(([place, question]) =>
        ask(place, { ...question, headers: { ...question.headers, "user-agent": userAgent } }, tools)
      ),
    );
    const answer = answers.find(({ status }, index) => status !== expected[index]!.status);
    if (answer !== undefined) blocked.push({ who: `${who} (${userAgent})`, answer });
  }
  const [first] = blocked;
  if (first === undefined) {
    return ok("user agents", "Claude, ChatGPT, Cursor and the others get the same answers as we do");
  }
  const { status, headers, url: { pathname } } = first.answer;
  return problem(
    "user agents",
    `the edge answers ${status} at ${pathname} to ${blocked.map(({ who }) => who).join(", ")}, but not to us`,
    adviceFor(edgeOf(headers), "user agent"),
  );
}

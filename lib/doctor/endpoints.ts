// Whether the endpoints that the metadata names are reached. An empty request is refused by each in the proxy's own words.
import { type Answer, ask, type Question, type Tools } from "./ask.ts";
import { explain } from "./explain.ts";
import { type Finding, ok, problem } from "./finding.ts";

const form = { "content-type": "application/x-www-form-urlencoded" };
const questions: Record<string, Question> = {
  authorization_endpoint: { headers: { accept: "text/html" } },
  token_endpoint: { method: "POST", headers: form, body: "" },
  registration_endpoint: { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
  revocation_endpoint: { method: "POST", headers: form, body: "" },
};

/** @param metadata RFC 8414; endpoints elsewhere than at `url` are the business of the issuer's check */
export async function examineEndpoints(url: URL, metadata: Record<string, unknown>, tools: Tools): Promise<Finding[]> {
  const asked = Object.entries(questions).flatMap(([name, question]) => {
    const place = URL.parse(String(metadata[name] ?? ""));
    return place === null || place.origin !== url.origin ? [] : [ask(place, question, tools)];
  });
  const wrong = (await Promise.all(asked)).filter((answer) => !isOurRefusal(answer));
  if (wrong.length === 0) return [ok("endpoints", `authorize, token, register and revoke answer`)];
  const { text, fix } = explain(wrong[0]!);
  return [problem("endpoints", `${wrong.map((answer) => answer.url.pathname).join(", ")} ${text}`, fix)];
}

/** JSON with an OAuth error; the page for people is told by the headers that all our pages have. */
function isOurRefusal({ status, json, headers }: Answer): boolean {
  if (status === 429) return true; // asked too often, by the proxy or not: it is there
  if (status !== 400 && status !== 401) return false;
  return typeof json?.error === "string" || headers.has("content-security-policy");
}

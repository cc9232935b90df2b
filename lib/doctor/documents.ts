// The discovery documents in every form that clients try, and whether they speak of the URL that was asked.
import { type Answer, ask, type Tools } from "./ask.ts";
import { adviceFor, edgeOf } from "./edge.ts";
import { explain, type Explanation } from "./explain.ts";
import { type Check, type Finding, ok, problem, warning } from "./finding.ts";

export interface Documents {
  findings: Finding[];
  /** RFC 9728, as it was found. */
  resource?: Record<string, unknown>;
  /** RFC 8414, as it was found. */
  server?: Record<string, unknown>;
}

/** RFC 9728 §3.1 with the path behind the well-known part, and at the root; RFC 8414 §3.1 and OpenID in their three forms. */
export async function examineDocuments(url: URL, tools: Tools): Promise<Documents> {
  const path = url.pathname.replace(/\/$/, "");
  const place = (text: string) => new URL(text, url.origin);
  const suffixed = await read(place(`/.well-known/oauth-protected-resource${path}`), tools);
  const resource = examineResource(url, suffixed);
  const findings: Finding[] = [resource];
  if (path !== "") {
    const root = await read(place("/.well-known/oauth-protected-resource"), tools);
    findings.push(...examineRoot(root, suffixed));
  }
  const issuer = issuerOf(suffixed) ?? url;
  const issuerPath = issuer.pathname.replace(/\/$/, "");
  const forms = [
    `/.well-known/oauth-authorization-server${issuerPath}`,
    `/.well-known/openid-configuration${issuerPath}`,
    `${issuerPath}/.well-known/openid-configuration`,
  ];
  const answers = await Promise.all([...new Set(forms)].map((form) => read(place(form), tools)));
  // Where the resource speaks of another host, its issuer does too, and once is enough.
  if (resource.level === "ok" || suffixed.json === undefined) findings.push(...examineServer(issuer, answers));
  const server = answers.find(({ json }) => json?.issuer !== undefined)?.json;
  return {
    findings,
    ...(suffixed.json?.resource === undefined ? {} : { resource: suffixed.json }),
    ...(server === undefined ? {} : { server }),
  };
}

function read(place: URL, tools: Tools): Promise<Answer> {
  return ask(place, {}, tools);
}

function examineResource(url: URL, answer: Answer): Finding {
  const { json } = answer;
  if (typeof json?.resource !== "string") return unread("resource", [answer]);
  if (!isSameUrl(json.resource, url.href)) return otherName("resource", json.resource, url, answer);
  const issuer = issuerOf(answer);
  if (issuer === undefined) {
    return problem("resource", "the resource document names no authorization server", "update mcp-oauth-proxy");
  }
  return issuer.origin === url.origin
    ? ok("resource", `the resource is ${json.resource}`)
    : otherName("resource", issuer.href, url, answer);
}

/** At the root it is of use only where there is one server; another one's document there would mislead. */
function examineRoot(root: Answer, suffixed: Answer): Finding[] {
  if (root.status === 404 || suffixed.json?.resource === undefined) return [];
  if (root.json?.resource === suffixed.json.resource) return [];
  const { text } = explain(root);
  const says = typeof root.json?.resource === "string" ? `speaks of ${root.json.resource}` : text;
  return [warning(
    "resource",
    `${root.url.pathname} ${says}: clients that ask there first are misled`,
    "have the edge pass /.well-known/ on to the proxy, all of it",
  )];
}

function examineServer(issuer: URL, answers: Answer[]): Finding[] {
  const broken = answers.filter(({ json }) => typeof json?.issuer !== "string");
  if (broken.length > 0) return [unread("metadata", broken)];
  const other = answers.find(({ json }) => !isSameUrl(String(json?.issuer), issuer.href));
  return [
    other === undefined
      ? ok("metadata", `the authorization server's metadata is there in ${answers.length} forms`)
      : otherName("metadata", String(other.json?.issuer), issuer, other),
  ];
}

/** Several forms with the same fault are one finding. */
function unread(check: Check, answers: Answer[]): Finding {
  const first = answers[0]!;
  const { text, fix }: Explanation = explain(first);
  const paths = answers.map(({ url }) => url.pathname).join(", ");
  return problem(check, `${paths} ${text}`, fix);
}

/** Clients compare these names with what the user typed, character by character. */
function otherName(check: Check, says: string, asked: URL, answer: Answer): Finding {
  const named = URL.parse(says);
  const what = `the ${check === "resource" ? "resource" : "issuer"} says ${says}, but it was asked at ${asked.href}`;
  if (named?.origin === asked.origin) {
    return problem(check, what, `give clients ${says} exactly, and ${adviceFor(edgeOf(answer.headers), "path")}`);
  }
  return problem(
    check,
    what,
    `set server.public_url (or the downstream's host) to ${asked.origin}, or give clients ${says}`,
  );
}

function issuerOf({ json }: Answer): URL | undefined {
  const servers = json?.authorization_servers;
  return Array.isArray(servers) && typeof servers[0] === "string" ? URL.parse(servers[0]) ?? undefined : undefined;
}

/** A URL without a path may be written with a slash. */
function isSameUrl(a: string, b: string): boolean {
  const bare = (text: string) => URL.parse(text)?.pathname === "/" ? text.replace(/\/$/, "") : text;
  return bare(a) === bare(b);
}

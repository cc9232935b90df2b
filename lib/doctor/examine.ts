// The whole road, in the order a client walks it; what must work first ends it when it doesn't.
import { type Answer, ask, type Tools, UnansweredError } from "./ask.ts";
import { examineAddress, type Lookup } from "./address.ts";
import { examineBrowsers } from "./browsers.ts";
import { examineCertificate } from "./certificate.ts";
import { examineChallenge } from "./challenge.ts";
import { examineCookies } from "./cookies.ts";
import { examineDocuments } from "./documents.ts";
import { examineEndpoints } from "./endpoints.ts";
import { explain } from "./explain.ts";
import { type Check, type Finding, problem } from "./finding.ts";
import { examinePlainHttp } from "./plain_http.ts";
import { examineLongStream, examineStream } from "./stream.ts";
import { examineUserAgents } from "./user_agents.ts";

export interface DoctorTools extends Tools {
  lookup?: Lookup;
  /** Watch streams for so many seconds as well. */
  longSeconds?: number;
  /** Called with each part as soon as it is known. */
  onFindings: (url: URL, findings: readonly Finding[]) => void;
}

/** @param urls of MCP servers; what concerns a whole host is examined once, with its first */
export async function examine(urls: readonly URL[], tools: DoctorTools): Promise<Finding[]> {
  const all: Finding[] = [];
  for (const [index, asked] of urls.entries()) {
    const report = (findings: Finding[]) => {
      if (findings.length > 0) tools.onFindings(asked, findings);
      all.push(...findings);
      return findings.every(({ level }) => level !== "problem");
    };
    const isFirstOfHost = urls.findIndex(({ origin }) => origin === asked.origin) === index;
    if (isFirstOfHost && !(await examineConnection(asked, tools, report))) continue;
    const url = await publishedUrl(asked, tools);
    if (!(url instanceof URL)) {
      report([url]);
      continue;
    }
    const documents = await examineDocuments(url, tools).catch(unanswered("resource"));
    if (Array.isArray(documents)) {
      report(documents); // the others would say the same
      continue;
    }
    const { findings, server } = documents;
    report(findings);
    const challenge = report(await guard("challenge", () => examineChallenge(url, tools)));
    if (server !== undefined) {
      report(await guard("endpoints", () => examineEndpoints(url, server, tools)));
      if (isFirstOfHost) report(await guard("cookies", () => examineCookies(url, server, tools)));
    }
    report(await guard("user agents", async () => [await examineUserAgents(url, tools)]));
    if (!isFirstOfHost) continue;
    if (challenge) report(await guard("browsers", async () => [await examineBrowsers(url, tools)]));
    report(await guard("stream", () => examineStream(url, tools)));
    const { longSeconds } = tools;
    if (longSeconds !== undefined) {
      report(await guard("long stream", () => examineLongStream(url, longSeconds, tools)));
    }
  }
  return all;
}

/** @returns false when there is no way to the host */
async function examineConnection(url: URL, tools: DoctorTools, report: (findings: Finding[]) => boolean) {
  if (!report(await examineAddress(url, tools.lookup))) return false;
  const certificate = await examineCertificate(url, tools);
  if (certificate !== undefined && !report([certificate])) return false;
  const plain = await examinePlainHttp(url, tools);
  report(plain === undefined ? [] : [plain]);
  return true;
}

/** The URL of the only server of a host, where the host alone was given. */
async function publishedUrl(asked: URL, tools: Tools): Promise<URL | Finding> {
  if (asked.pathname !== "/") return asked;
  const place = new URL("/.well-known/oauth-protected-resource", asked);
  let answer: Answer;
  try {
    answer = await ask(place, {}, tools);
  } catch (error) {
    if (!(error instanceof UnansweredError)) throw error;
    return problem("url", `${asked.host}: ${error.message}`, "start there");
  }
  const resource = URL.parse(String(answer.json?.resource ?? ""));
  if (resource !== null) return new URL(resource.pathname, asked);
  if (answer.status === 404 && answer.json !== undefined) {
    return problem(
      "url",
      "several MCP servers are published here",
      `say which: mcp-oauth-proxy doctor ${asked.origin}/mcp/<name>, or give the configuration: doctor -c config.toml`,
    );
  }
  const { text, fix } = explain(answer);
  return problem("url", `${place.pathname} ${text}`, fix);
}

/** No answer at all is a finding too. */
function guard(check: Check, find: () => Promise<Finding[]>): Promise<Finding[]> {
  return find().catch(unanswered(check));
}

function unanswered(check: Check): (error: unknown) => Finding[] {
  return (error) => {
    if (!(error instanceof UnansweredError)) throw error;
    return [problem(check, error.message, "see whether the edge and mcp-oauth-proxy run, and the edge's own log")];
  };
}

// Whether an SSE stream comes through as it is sent, and for as long as it lasts. The proxy has an endpoint for it that needs
// no token: comments at known moments, and one that says it is the end.
import { sseProbePath } from "../urls.ts";
import { type Answer, type Tools, UnansweredError } from "./ask.ts";
import { describeNetworkError } from "../http/network_error.ts";
import { readOverHttp2 } from "./http2.ts";
import { adviceFor, type Edge, edgeOf } from "./edge.ts";
import { examineClock } from "./clock.ts";
import { explain } from "./explain.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** What was seen of one stream; times are milliseconds since the request. */
interface Watched {
  answer: Answer;
  comments: { atMs: number; text: string }[];
  /** The comment that says so came. */
  complete: boolean;
  endedAtMs: number;
}

const sentForSeconds = 3;
/** Sent every second: arriving all at once, or so late, they were held back. */
const heldBackMs = 900;

export async function examineStream(url: URL, tools: Tools): Promise<Finding[]> {
  const [seen, overHttp2] = await Promise.all([
    watch(url, { seconds: sentForSeconds, every: 1 }, tools),
    watchOverHttp2(url, tools),
  ]);
  if (!isStream(seen.answer)) return [notThere(seen.answer)];
  const edge = edgeOf(seen.answer.headers);
  const findings = [judge(seen, edge, "")];
  const sameOverHttp2 = overHttp2 === undefined ? undefined : judge(overHttp2, edge, " over HTTP/2");
  if (findings[0]!.level === "ok" && sameOverHttp2 !== undefined) findings.push(sameOverHttp2);
  const first = seen.comments[0];
  if (first === undefined) return findings;
  findings.push(examineClock(Number(first.text.slice(5)), (tools.nowMs() - seen.endedAtMs + first.atMs) / 1000));
  const missing = ["mcp-session-id", "mcp-protocol-version"].filter((name) => !seen.answer.headers.has(name));
  if (missing.length > 0) {
    findings.push(problem(
      "stream",
      `the edge removes ${missing.join(" and ")} from answers, without which sessions don't work`,
      adviceFor(edge, "header"),
    ));
  }
  return findings;
}

/** @param how goes behind "SSE": nothing, or the version of HTTP */
function judge(
  { comments, complete, endedAtMs }: Pick<Watched, "comments" | "complete" | "endedAtMs">,
  edge: Edge,
  how: string,
): Finding {
  const first = comments[0];
  if (first === undefined) {
    const text = `an SSE stream${how} is cut after ${seconds(endedAtMs)} without a byte`;
    return problem("stream", text, adviceFor(edge, "timeout"));
  }
  const sentForMs = sentForSeconds * 1000;
  const spreadMs = comments.at(-1)!.atMs - first.atMs;
  if (first.atMs > heldBackMs + sentForMs / 3 || (complete && spreadMs < sentForMs - 2 * heldBackMs)) {
    const text = `the edge holds SSE${how} back: the first comment, sent at once, came after ${seconds(first.atMs)}`;
    return problem("stream", text, adviceFor(edge, "buffering"));
  }
  if (!complete) {
    return problem("stream", `an SSE stream${how} is cut after ${seconds(endedAtMs)}`, adviceFor(edge, "timeout"));
  }
  return ok("stream", `SSE${how} comes through as it is sent, the first comment after ${seconds(first.atMs)}`);
}

/** Two at a time: one with a comment now and then, as the proxy keeps quiet streams alive, and one without a byte. */
export async function examineLongStream(url: URL, forSeconds: number, tools: Tools): Promise<Finding[]> {
  const every = Math.min(20, forSeconds);
  const [kept, silent] = await Promise.all([
    watch(url, { seconds: forSeconds, every }, tools),
    watch(url, { seconds: forSeconds, every: 0 }, tools),
  ]);
  if (!isStream(kept.answer)) return [notThere(kept.answer)];
  const edge: Edge = edgeOf(kept.answer.headers);
  return [
    kept.complete ? ok("long stream", `a stream with a comment every ${every} s lasts ${forSeconds} s`) : problem(
      "long stream",
      `a stream with a comment every ${every} s is cut after ${seconds(kept.endedAtMs)}`,
      adviceFor(edge, "timeout"),
    ),
    silent.complete ? ok("long stream", `a silent stream lasts ${forSeconds} s`) : warning(
      "long stream",
      `what is silent for ${seconds(silent.endedAtMs)} is cut: a tool call that takes longer and is not on SSE fails`,
      adviceFor(edge, "timeout"),
    ),
  ];
}

function isStream({ status, headers }: Answer): boolean {
  return status === 200 && /^text\/event-stream/i.test(headers.get("content-type") ?? "");
}

function notThere(answer: Answer): Finding {
  const { text, fix } = explain(answer);
  return problem("stream", `${answer.url.pathname} ${text}`, fix);
}

/** A cut is no error here but what is looked for. @throws UnansweredError when there is no answer at all */
async function watch(
  url: URL,
  query: { seconds: number; every: number },
  { fetch, timeoutMs }: Tools,
): Promise<Watched> {
  const place = new URL(`${sseProbePath}?seconds=${query.seconds}&every=${query.every}`, url.origin);
  const started = performance.now();
  const end = new AbortController();
  const timer = setTimeout(
    () => end.abort(new DOMException("no end in time", "TimeoutError")),
    query.seconds * 1000 + timeoutMs,
  );
  const { comments, add, rest } = readComments();
  try {
    const response = await fetch(place, {
      headers: { "accept": "text/event-stream", "user-agent": "mcp-oauth-proxy-doctor" },
      redirect: "manual",
      signal: end.signal,
    }).catch(async (error) => {
      // An edge that waits for the first byte of a body longer than it likes breaks off before the head.
      if (performance.now() - started > 1500) return undefined;
      throw new UnansweredError(await describeNetworkError(error, place, timeoutMs), { cause: error });
    });
    const { status, headers } = response ??
      { status: 200, headers: new Headers({ "content-type": "text/event-stream" }) };
    try {
      const decoder = new TextDecoder();
      for await (const chunk of response?.body ?? []) {
        add(decoder.decode(chunk, { stream: true }), performance.now() - started);
      }
    } catch {
      // cut, which the missing last comment tells as well
    }
    return {
      answer: { url: place, status, headers, text: rest(), tookMs: performance.now() - started },
      comments,
      complete: comments.at(-1)?.text === "end",
      endedAtMs: performance.now() - started,
    };
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

/** Undefined where the edge speaks HTTP/1.1 only. Whether something is there was asked over that. */
async function watchOverHttp2(url: URL, { timeoutMs }: Tools) {
  const started = performance.now();
  const { comments, add } = readComments();
  const place = new URL(`${sseProbePath}?seconds=${sentForSeconds}&every=1`, url.origin);
  if (!await readOverHttp2(place, { add, timeoutMs: sentForSeconds * 1000 + timeoutMs })) return undefined;
  return { comments, complete: comments.at(-1)?.text === "end", endedAtMs: performance.now() - started };
}

/** Collects comments with the moment that they came. */
function readComments() {
  const comments: Watched["comments"] = [];
  let text = "";
  return {
    comments,
    add(more: string, atMs: number) {
      text = (text + more).slice(-65_536);
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) if (line.startsWith(": ")) comments.push({ atMs, text: line.slice(2) });
    },
    /** What no line feed has ended. */
    rest: () => text,
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

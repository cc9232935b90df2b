// One question over HTTP, as a client asks it: redirects are not followed, and the answer is small or cut.
import { describeNetworkError } from "../http/network_error.ts";

export interface Tools {
  fetch: typeof fetch;
  /** Milliseconds since the epoch, by this machine. */
  nowMs: () => number;
  /** For each request; connectors give up after 10 s. */
  timeoutMs: number;
}

export interface Question {
  method?: "GET" | "POST" | "OPTIONS";
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  url: URL;
  status: number;
  headers: Headers;
  /** At most 64 KiB of it. */
  text: string;
  /** The text, where it is a JSON object. */
  json?: Record<string, unknown>;
  /** Milliseconds until all of it was here. */
  tookMs: number;
}

/** There was no answer at all; the message says why and is one sentence. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

const maxBytes = 65_536;
const userAgent = "mcp-oauth-proxy-doctor";

/** @throws UnansweredError */
export async function ask(url: URL, question: Question, tools: Tools): Promise<Answer> {
  const started = performance.now();
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new DOMException("no answer in time", "TimeoutError")), tools.timeoutMs);
  try {
    const response = await tools.fetch(url, {
      method: question.method ?? "GET",
      headers: { "user-agent": userAgent, "accept": "application/json", ...question.headers },
      body: question.body ?? null,
      redirect: "manual",
      signal: end.signal,
    });
    const text = await readSome(response);
    const json = objectOf(text);
    const tookMs = performance.now() - started;
    const { status, headers } = response;
    return { url, status, headers, text, tookMs, ...(json === undefined ? {} : { json }) };
  } catch (error) {
    throw new UnansweredError(await describeNetworkError(error, url, tools.timeoutMs), { cause: error });
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

async function readSome(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= maxBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // a page, or nothing: the caller says what was expected
  }
}

// As much of an HTTP answer as one JSON-RPC question needs: the first JSON-RPC message, or the first event, and not a byte more.
import { createLineReader } from "./sse_lines.ts";

export interface HttpAnswer {
  status: number;
  headers: Headers;
  /** Without parameters, in lower case. */
  contentType: string;
  /** The JSON-RPC message, from JSON or from the first event that holds one. */
  message?: Record<string, unknown>;
  /** Data of the `endpoint` event that opens the HTTP+SSE transport. */
  endpoint?: string;
}

const defaultMaxChars = 256 * 1024;

/**
 * One request, no redirects, closed as soon as enough is read.
 *
 * @throws what fetch throws; a TimeoutError when headers or the first message take longer than `timeoutMs`
 */
export async function readAnswer(
  url: URL,
  request: { method: string; headers: Record<string, string>; body?: string },
  { fetch, timeoutMs, maxChars = defaultMaxChars }: {
    fetch: typeof globalThis.fetch;
    timeoutMs: number;
    maxChars?: number;
  },
): Promise<HttpAnswer> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new DOMException("no answer in time", "TimeoutError")), timeoutMs);
  try {
    const response = await fetch(url, { ...request, redirect: "manual", signal: end.signal });
    const contentType = (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    const { status, headers } = response;
    const read = contentType === "text/event-stream"
      ? firstEvent
      : contentType.endsWith("json")
      ? wholeMessage
      : noBody;
    return { status, headers, contentType, ...await read(response, maxChars) };
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

type Content = Pick<HttpAnswer, "message" | "endpoint">;

function noBody(): Promise<Content> {
  return Promise.resolve({});
}

/** Tries again only when there is twice as much: a server decides how small its chunks are, and each try reads all of it. */
async function wholeMessage(response: Response, maxChars: number): Promise<Content> {
  let text = "";
  let tryAt = 0;
  for await (const part of textOf(response, maxChars)) {
    text += part;
    if (text.length < tryAt) continue;
    tryAt = 2 * text.length;
    const message = parseMessage(text);
    if (message !== undefined) return { message };
  }
  const message = parseMessage(text);
  return message === undefined ? {} : { message };
}

async function firstEvent(response: Response, maxChars: number): Promise<Content> {
  const lines = createLineReader();
  let event: string[] = [];
  for await (const part of textOf(response, maxChars)) {
    for (const line of lines.push(part)) {
      if (line !== "") {
        event.push(line);
        continue;
      }
      const data = event.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (event.some((line) => /^event: ?endpoint$/.test(line))) return { endpoint: data };
      const message = parseMessage(data);
      if (message !== undefined && "id" in message) return { message };
      event = [];
    }
  }
  return {};
}

/** The text as it arrives, until there is more than `maxChars` of it. */
async function* textOf(response: Response, maxChars: number): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let length = 0;
  for await (const chunk of response.body) {
    const part = decoder.decode(chunk, { stream: true });
    yield part;
    length += part.length;
    if (length > maxChars) return;
  }
}

/** Undefined while it is not complete, or when it is no JSON-RPC message at all. */
function parseMessage(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "jsonrpc" in value ? { ...value } : undefined;
  } catch {
    return undefined; // the rest has not arrived, or it is something else
  }
}

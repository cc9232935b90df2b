// As much of an HTTP answer as one JSON-RPC question needs: the first JSON-RPC message, or the first event, and not a byte more.

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

async function wholeMessage(response: Response, maxChars: number): Promise<Content> {
  for await (const text of growingText(response, maxChars)) {
    const message = parseMessage(text);
    if (message !== undefined) return { message };
  }
  return {};
}

async function firstEvent(response: Response, maxChars: number): Promise<Content> {
  for await (const text of growingText(response, maxChars)) {
    for (const event of text.replaceAll("\r\n", "\n").split("\n\n").slice(0, -1)) {
      const fields = event.split("\n");
      const data = fields.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (fields.some((line) => /^event: ?endpoint$/.test(line))) return { endpoint: data };
      const message = parseMessage(data);
      if (message !== undefined && "id" in message) return { message };
    }
  }
  return {};
}

/** All text so far, each time some arrives. */
async function* growingText(response: Response, maxChars: number): AsyncGenerator<string> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    yield text;
    if (text.length > maxChars) return;
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

// Questions to a provider's JSON API, with what every API has in common: busy, down, and answers that are no JSON.
import { ProviderError } from "./provider_error.ts";
import { type ProviderFetch, type ProviderRequest, ProviderUnreachableError } from "./provider_fetch.ts";
import type { RawAnswer } from "./token_response.ts";

export interface ApiCall {
  fetch: ProviderFetch;
  now: number;
}

export interface ApiRequest {
  url: URL;
  /** Sent as a bearer token. */
  token?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as `application/x-www-form-urlencoded`; the method is then POST. */
  form?: Readonly<Record<string, string>>;
  /** Absent: POST with a body, else GET. */
  method?: "GET" | "POST" | "DELETE";
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** undefined when the body is no JSON object. */
  json: Record<string, unknown> | undefined;
}

const maxRetryAfterSeconds = 3600;

/** Asks once. @throws ProviderError `unavailable` for 429, 5xx, a spent rate limit, and no complete answer */
export async function askApi({ fetch, now }: ApiCall, request: ApiRequest): Promise<ApiAnswer> {
  const { url, token, headers } = request;
  const content = contentOf(request);
  const answer = await send(fetch, url, {
    method: request.method ?? (content === undefined ? "GET" : "POST"),
    headers: {
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(content === undefined ? {} : { "content-type": content.type }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content.text }),
  });
  if (isBusy(answer)) {
    throw new ProviderError("unavailable", `${url.host} answered ${answer.status} to ${url.pathname}`, {
      retryAfterSeconds: retryAfter(answer.headers, now),
    });
  }
  return { status: answer.status, headers: answer.headers, json: parseObject(answer.body) };
}

/** The JSON object of a 200. @throws ProviderError `broken` for anything else */
export function requireObject({ status, json }: ApiAnswer, what: string): Record<string, unknown> {
  if (status !== 200 && status !== 201) throw new ProviderError("broken", `${what}: answered ${status}`);
  if (json === undefined) throw new ProviderError("broken", `${what}: the answer is no JSON object`);
  return json;
}

/** The value when it is a text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function contentOf({ body, form }: ApiRequest): { type: string; text: string } | undefined {
  if (body !== undefined) return { type: "application/json", text: JSON.stringify(body) };
  if (form === undefined) return undefined;
  return { type: "application/x-www-form-urlencoded", text: new URLSearchParams(form).toString() };
}

async function send(
  fetch: ProviderFetch,
  url: URL,
  request: ProviderRequest,
): Promise<RawAnswer> {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error instanceof ProviderUnreachableError) {
      throw new ProviderError("unavailable", error.message, { cause: error.cause });
    }
    throw error;
  }
}

/** GitHub says 403 when a limit is spent, with headers that say so; the primary limit has no `Retry-After`. */
function isBusy({ status, headers }: RawAnswer): boolean {
  if (status === 429 || status >= 500) return true;
  return status === 403 && (headers.has("retry-after") || headers.get("x-ratelimit-remaining") === "0");
}

function retryAfter(headers: Headers, now: number): number | undefined {
  const [after, reset] = [headers.get("retry-after"), headers.get("x-ratelimit-reset")];
  const seconds = after !== null && /^\d+$/.test(after)
    ? Number(after)
    : reset !== null && /^\d+$/.test(reset)
    ? Number(reset) - now
    : undefined;
  return seconds === undefined ? undefined : Math.min(Math.max(seconds, 1), maxRetryAfterSeconds);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined; // cut off, or a page: the caller tells which question it was
  }
}

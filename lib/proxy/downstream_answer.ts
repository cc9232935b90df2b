// What the client gets for what the downstream answered: mostly the same, streamed; its refusals of our credential as our own.
import type { Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import { parseScope } from "../oauth/scope.ts";
import type { Log } from "../telemetry/log.ts";
import { type Exchange, watchBody } from "./exchange.ts";
import { headersForClient } from "./headers.ts";
import { EndpointRefusedError } from "./legacy_sse.ts";
import { sseStream, type StreamEdit } from "./sse_stream.ts";

export interface AnswerOptions {
  resource: Resource;
  exchange: Exchange;
  /** 0 = off. */
  sseKeepaliveMs: number;
  /** Where the answer may be a legacy event stream. */
  legacyEdit: StreamEdit | undefined;
  log: Log;
}

/** Up to this announced length an answer is read whole: as cheap as passing it on, and one that breaks off is still a 502. */
const wholeUpToBytes = 65_536;

/**
 * The response for the client: streamed, except for small answers of known length. The runtime never gets the downstream's
 * own stream to pass on: where that breaks off, Bun prints the URL to standard error, which may hold a secret.
 *
 * @throws OAuthError `invalid_token`, `insufficient_scope`, or 502 where the answer can't be that of an MCP server
 */
export async function answerClient(answer: Response, options: AnswerOptions): Promise<Response> {
  const { exchange, resource, log } = options;
  const type = answer.headers.get("content-type") ?? "";
  const refusal = refusalOf(answer, type, options);
  if (refusal !== undefined) {
    void answer.body?.cancel().catch(() => {}); // its connection goes back or breaks; nobody waits for either
    throw refusal;
  }
  const headers = headersForClient(answer.headers);
  const { status } = answer;
  if (status === 204 || status === 205 || status === 304) return withoutBody();
  const isStream = eventStreamType.test(type);
  if (isStream || Number(headers.get("content-length") ?? Infinity) > wholeUpToBytes) {
    const { body } = answer;
    if (body === null) return withoutBody();
    return new Response(isStream ? eventStream(body, headers, options) : watchBody(body, exchange), {
      status,
      headers,
    });
  }
  try {
    const whole = await exchange.orCut(readWhole(answer));
    exchange.count("out", whole.byteLength);
    exchange.end();
    return new Response(whole, { status, headers });
  } catch (error) {
    if (exchange.signal.aborted) throw error;
    log.warning("downstream_broke_off", { resource: resource.name, status });
    throw new OAuthError("temporarily_unavailable", "the MCP server broke off in the middle of its answer", {
      status: 502,
    });
  }

  function withoutBody(): Response {
    exchange.end();
    return new Response(null, { status, headers });
  }
}

/**
 * Without a look at `answer.body`, which would make a stream of it. What is not encoded is as long as announced. Of the rest, which Deno decodes, nobody knows what becomes of it.
 *
 * @throws Error for more than was announced
 */
async function readWhole(answer: Response): Promise<ArrayBuffer> {
  const { body } = answer.headers.has("content-encoding") ? answer : { body: null };
  if (body === null) return await answer.arrayBuffer();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > wholeUpToBytes) throw new Error("the body is longer than announced");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks)).buffer;
}

function eventStream(
  body: ReadableStream<Uint8Array>,
  headers: Headers,
  options: AnswerOptions,
): ReadableStream<Uint8Array> {
  const { exchange, sseKeepaliveMs, legacyEdit, resource, log } = options;
  // Edges hold an event stream back unless they are told (nginx), or see "no-transform" (others).
  headers.set("x-accel-buffering", "no");
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache, no-transform");
  exchange.liftIdleLimit();
  const coding = headers.get("content-encoding");
  if (coding !== null && coding !== "identity") {
    log.warning("downstream_stream_compressed", { resource: resource.name, content_encoding: coding });
    return watchBody(body, exchange);
  }
  headers.delete("content-length");
  return sseStream(body, {
    keepaliveMs: sseKeepaliveMs,
    edit: legacyEdit,
    onEditError: legacyEdit && ((error) => {
      if (!(error instanceof EndpointRefusedError)) return undefined;
      log.error("legacy_endpoint_refused", { resource: resource.name, error });
      return `event: error\ndata: ${error.message}; the proxy ended this stream\n\n`;
    }),
    exchange,
  });
}

function refusalOf(answer: Response, type: string, { resource, log }: AnswerOptions): OAuthError | undefined {
  const { status } = answer;
  const fields = { resource: resource.name, status };
  if (status === 401) {
    log.warning("downstream_refused_credential", fields);
    return new OAuthError("invalid_token", "the MCP server refused the stored credential; authorize again");
  }
  if (status === 403) return missingScope(answer.headers.get("www-authenticate") ?? "");
  if (status >= 300 && status < 400 && status !== 304) {
    log.error("downstream_redirected", { ...fields, to: originOf(answer.headers.get("location")) });
    return wrongAnswer(`the MCP server answered with a redirect (${status}), which is not followed with a credential`);
  }
  if (answer.ok && htmlType.test(type)) {
    log.error("downstream_answered_html", fields);
    return wrongAnswer("the MCP server answered with a web page instead of MCP");
  }
  // A 101 would make an edge believe that the connection is a tunnel now; nothing above 599 can be passed on.
  if (status < 200 || status > 599) return wrongAnswer(`the MCP server answered with status ${status}`);
  if (status >= 500) log.warning("downstream_answered_5xx", fields);
  return undefined;
}

/** A scope that the downstream wants (RFC 6750 §3.1) is asked of the user through us; any other 403 is the downstream's own answer. */
function missingScope(challenge: string): OAuthError | undefined {
  if (!/\berror="?insufficient_scope\b/.test(challenge)) return undefined;
  const scope = parseScope(/\bscope="([^"]*)"/.exec(challenge)?.[1]);
  return new OAuthError(
    "insufficient_scope",
    "the MCP server wants a scope that was not granted",
    scope.length === 0 ? {} : { scope },
  );
}

function wrongAnswer(what: string): OAuthError {
  return new OAuthError("temporarily_unavailable", `${what}; its downstream_url has to be corrected`, { status: 502 });
}

const htmlType = /^text\/html\b/i;
const eventStreamType = /^text\/event-stream\b/i;

/** Without the path and query, which may hold a secret. */
function originOf(location: string | null): string {
  return location !== null && URL.canParse(location) ? new URL(location).origin : "same origin";
}

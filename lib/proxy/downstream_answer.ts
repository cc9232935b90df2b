// What the client gets for what the downstream answered: mostly the same, streamed; its refusals of our credential as our own.
import type { Resource } from "../config/config.ts";
import type { Answer, ByteReader } from "../http1/answer.ts";
import type { FieldList } from "../http1/field_list.ts";
import { OAuthError } from "../oauth/errors.ts";
import { parseScope } from "../oauth/scope.ts";
import type { Log } from "../telemetry/log.ts";
import { type Exchange, watchBody } from "./exchange.ts";
import { headersForClient } from "./headers.ts";
import { EndpointRefusedError } from "./legacy_sse.ts";
import type { RequestRecord } from "./request_record.ts";
import { sseStream, type StreamEdit } from "./sse_stream.ts";

export interface AnswerOptions {
  resource: Resource;
  exchange: Exchange;
  record: Pick<RequestRecord, "streams">;
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
export function answerClient(answer: Answer, options: AnswerOptions): Response | Promise<Response> {
  const { exchange } = options;
  const { status, fields } = answer;
  const type = fields.get("content-type") ?? "";
  const refusal = refusalOf(answer, type, options);
  if (refusal !== undefined) {
    answer.discard();
    throw refusal;
  }
  const head = { status, fields: headersForClient(fields) };
  if (status === 204 || status === 205 || status === 304) return withoutBody(answer, head, exchange);
  const isStream = eventStreamType.test(type);
  if (!isStream && Number(head.fields.get("content-length") ?? Infinity) <= wholeUpToBytes) {
    const whole = answer.whole();
    return whole instanceof Promise ? wholeLater(whole, head, options) : wholeAnswer(whole, head, exchange);
  }
  const reader = answer.reader();
  if (reader === null) return withoutBody(answer, head, exchange);
  if (isStream) options.record.streams();
  return withHead(isStream ? eventStream(reader, head.fields, options) : watchBody(reader, exchange), head);
}

type Whole = Uint8Array<ArrayBuffer> | ArrayBuffer;

interface Head {
  status: number;
  fields: FieldList;
}

function withHead(body: BodyInit | null, { status, fields }: Head): Response {
  return new Response(body, { status, headers: fields.toRecord() });
}

/** Whatever the downstream sends nevertheless, nobody reads. */
function withoutBody(answer: Answer, head: Head, exchange: Exchange): Response {
  answer.discard();
  exchange.end();
  return withHead(null, head);
}

function wholeAnswer(whole: Whole, head: Head, exchange: Exchange): Response {
  exchange.count("out", whole.byteLength);
  exchange.end();
  return withHead(whole, head);
}

async function wholeLater(whole: Promise<Whole>, head: Head, options: AnswerOptions): Promise<Response> {
  const { exchange } = options;
  try {
    return wholeAnswer(await exchange.orCut(whole), head, exchange);
  } catch (error) {
    throw exchange.reason === undefined ? brokeOff(head.status, options) : error;
  }
}

function brokeOff(status: number, { resource, log }: AnswerOptions): OAuthError {
  log.warning("downstream_broke_off", { resource: resource.name, status });
  return new OAuthError("temporarily_unavailable", "the MCP server broke off in the middle of its answer", {
    status: 502,
  });
}

function eventStream(
  reader: ByteReader,
  headers: FieldList,
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
    return watchBody(reader, exchange);
  }
  headers.delete("content-length");
  return sseStream(reader, {
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

function refusalOf(
  { status, fields: head }: Answer,
  type: string,
  { resource, log }: AnswerOptions,
): OAuthError | undefined {
  const fields = { resource: resource.name, status };
  if (status === 401) {
    log.warning("downstream_refused_credential", fields);
    return new OAuthError("invalid_token", "the MCP server refused the stored credential; authorize again");
  }
  if (status === 403) return missingScope(head.get("www-authenticate") ?? "");
  if (status >= 300 && status < 400 && status !== 304) {
    log.error("downstream_redirected", { ...fields, to: originOf(head.get("location")) });
    return wrongAnswer(`the MCP server answered with a redirect (${status}), which is not followed with a credential`);
  }
  if (status >= 200 && status < 300 && htmlType.test(type)) {
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

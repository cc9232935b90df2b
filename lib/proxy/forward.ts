// One request to the downstream, sent exactly once, and every way in which it can fail in words for the client.
import { isInnerHost } from "../config/url_rules.ts";
import type { Answer } from "../http1/answer.ts";
import { createHttp1Client, type Http1Client, type Http1Request } from "../http1/client.ts";
import type { FieldList } from "../http1/field_list.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ConnectTcp } from "../runtime/runtime.ts";
import type { Log } from "../telemetry/log.ts";
import type { Exchange } from "./exchange.ts";
import { createFetchTransport, type FetchTools } from "./fetch_transport.ts";
import type { OutgoingBody } from "./request_body.ts";

export interface ForwardTools extends Omit<FetchTools, "noConnection" | "reuseConnectionsWithinMs"> {
  /** For downstreams in the same network, without TLS; absent: fetch asks them too. */
  connectTcp: ConnectTcp | undefined;
  /** After this much quiet a kept connection is not trusted any more, see `defaultReuseWithinMs`. */
  reuseConnectionsWithinMs?: number | undefined;
  log: Log;
}

export interface OutgoingRequest {
  url: URL;
  method: string;
  fields: FieldList;
  body: OutgoingBody;
  /** For the log. */
  resource: string;
}

/** @throws OAuthError 502 when the downstream can't be reached or breaks off, or the reason why the exchange was cut */
export type Forward = (request: OutgoingRequest, exchange: Exchange) => Promise<Answer>;

/** Sends one request, once. @throws what its way of sending throws, or the reason of the cut */
export type Transport = (request: OutgoingRequest, exchange: Exchange) => Promise<Answer>;

/**
 * Servers drop idle connections after 5 s (Node, uvicorn). A request that meets such a moment is lost, and sending it again
 * could run a tool twice; so after 4 s of quiet a request gets a connection of its own.
 */
const defaultReuseWithinMs = 4_000;

/**
 * Downstreams in the own network, without TLS, are asked by a client of our own, which costs less than Bun's fetch (docs/performance.md).
 * Everything else is the runtime's: certificates, outgoing proxies, servers out in the world.
 */
export function createForward(tools: ForwardTools): Forward {
  const { log, connectTimeoutMs, connectTcp, reuseConnectionsWithinMs = defaultReuseWithinMs } = tools;
  const viaFetch = createFetchTransport({ ...tools, reuseConnectionsWithinMs, noConnection: unreachable });
  const http1 = connectTcp && createHttp1Client({ connectTcp, connectTimeoutMs, reuseConnectionsWithinMs });
  const isNear = new WeakMap<URL, boolean>();

  return (outgoing, exchange) => {
    const { url, fields, body: { contentType } } = outgoing;
    if (contentType !== undefined) fields.set("content-type", contentType);
    const answer = http1 !== undefined && isNearby(url)
      ? sendItself(http1, outgoing, exchange)
      : viaFetch(outgoing, exchange);
    return answer.catch((error) => {
      throw explain(error, outgoing, exchange);
    });
  };

  function isNearby(url: URL): boolean {
    let near = isNear.get(url);
    if (near === undefined) isNear.set(url, near = url.protocol === "http:" && isInnerHost(url.hostname));
    return near;
  }

  function explain(error: unknown, { url, resource }: OutgoingRequest, exchange: Exchange): unknown {
    const cut = exchange.reason;
    exchange.end();
    if (cut !== undefined && !(cut instanceof OAuthError && cut.status === 502)) return cut;
    const reason = typeof cut?.cause === "string" ? cut.cause : codeOf(error);
    log.warning("downstream_unreachable", { resource, downstream: url.origin, reason });
    return cut ?? unreachable(reason);
  }
}

/** @throws OAuthError for what the client sent and nobody may send on: a control character that the runtime let through */
function sendItself(http1: Http1Client, request: Http1Request, exchange: Exchange): Promise<Answer> {
  try {
    return http1.send(request, exchange);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new OAuthError("invalid_request", "a method or header of the request can't be sent on", { cause: error });
  }
}

/** Failures before anything was sent, in the words of both runtimes; after any other the request may have been carried out. */
const neverSent = /^connect:|no connection|refused|notfound|eai_|unreach|eproto|cert|tls|ssl|unable_to_|self_signed/i;

function unreachable(reason: string): OAuthError {
  return new OAuthError("temporarily_unavailable", describe(reason), { status: 502, cause: reason });
}

function describe(reason: string): string {
  if (neverSent.test(reason)) {
    return "the MCP server behind this proxy can't be reached; try again later, or tell the person who runs it";
  }
  return reason.startsWith("malformed_answer")
    ? "the MCP server answered with something other than HTTP/1.1; tell the person who runs it"
    : "the MCP server broke off the connection before it answered; whether it carried out the request is not known";
}

/** The system's code where there is one, and never the runtime's whole text: that may hold the URL. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string") return code;
    // Deno has no codes, but names the phase: "client error (Connect): dns error: …".
    const [, phase, what] = /client error \((\w+)\): ([^(]*)/.exec(cause.message) ?? [];
    if (phase !== undefined) return `${phase}: ${what}`;
  }
  return error instanceof Error ? error.name : "unknown";
}

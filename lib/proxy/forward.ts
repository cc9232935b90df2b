// One request to the downstream, sent exactly once, and every way in which it can fail in words for the client.
import { OAuthError } from "../oauth/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Exchange } from "./exchange.ts";
import type { OutgoingBody } from "./request_body.ts";

export interface ForwardTools {
  fetch: typeof fetch;
  /** The runtime's own: no decoding, no timeout. */
  fetchOptions: RequestInit;
  /** The runtime would send a whole body twice, so it is handed over as a stream. */
  resendsBodies: boolean;
  /** Whether the host of a URL takes a connection within so many milliseconds. */
  isReachable: (url: URL, timeoutMs: number) => Promise<boolean>;
  connectTimeoutMs: number;
  /** After this much quiet a kept connection is not trusted any more, see `createForward`. */
  reuseConnectionsWithinMs?: number | undefined;
  log: Log;
}

export interface OutgoingRequest {
  url: URL;
  method: string;
  headers: Headers;
  body: OutgoingBody;
  /** For the log. */
  resource: string;
}

/** @throws OAuthError 502 when the downstream can't be reached or breaks off, or the reason why the exchange was cut */
export type Forward = (request: OutgoingRequest, exchange: Exchange) => Promise<Response>;

/**
 * Servers drop idle connections after 5 s (Node, uvicorn). A request that meets such a moment is lost, and sending it again
 * could run a tool twice; so after 4 s of quiet a request gets a connection of its own.
 */
const defaultReuseWithinMs = 4_000;

/** An answer within this time proves that the host can be reached. */
const reachableForMs = 30_000;

export function createForward(tools: ForwardTools): Forward {
  const { fetch, log, connectTimeoutMs, reuseConnectionsWithinMs = defaultReuseWithinMs } = tools;
  /** Origin -> when it last answered, by `performance.now()`. */
  const answeredAt = new Map<string, number>();

  return async (outgoing, exchange) => {
    const { url, method, headers } = outgoing;
    const body = tools.resendsBodies ? asStream(outgoing.body) : outgoing.body;
    const quietMs = performance.now() - (answeredAt.get(url.origin) ?? -Infinity);
    if (body.contentLength !== undefined) headers.set("content-length", body.contentLength);
    if (outgoing.body.contentType !== undefined) headers.set("content-type", outgoing.body.contentType);
    const probe = quietMs < reachableForMs ? undefined : watchConnection(url, exchange);
    try {
      const { signal } = exchange;
      const init: RequestInit & { duplex?: "half" } = {
        ...tools.fetchOptions,
        method,
        headers,
        body: body.body,
        redirect: "manual",
        signal,
      };
      if (quietMs >= reuseConnectionsWithinMs) init.keepalive = false;
      if (body.body instanceof ReadableStream) init.duplex = "half";
      const response = await fetch(url, init);
      answeredAt.set(url.origin, performance.now());
      return response;
    } catch (error) {
      throw explain(error, outgoing, exchange);
    } finally {
      clearTimeout(probe);
    }
  };

  /** Where the first byte takes its time: is anybody there at all? */
  function watchConnection(url: URL, exchange: Exchange): ReturnType<typeof setTimeout> {
    const waitMs = Math.min(1_000, connectTimeoutMs / 2);
    return setTimeout(async () => {
      if (await tools.isReachable(url, connectTimeoutMs - waitMs)) return;
      if (!exchange.signal.aborted) exchange.cut(unreachable(`no connection within ${connectTimeoutMs / 1000} s`));
    }, waitMs);
  }

  function explain(error: unknown, { url, resource }: OutgoingRequest, exchange: Exchange): unknown {
    const cut = exchange.signal.aborted ? exchange.signal.reason : undefined;
    exchange.end();
    if (cut !== undefined && !(cut instanceof OAuthError && cut.status === 502)) return cut;
    const reason = cut?.cause ?? codeOf(error);
    log.warning("downstream_unreachable", { resource, downstream: url.origin, reason });
    return cut ?? unreachable(reason);
  }
}

function asStream({ body, contentLength }: OutgoingBody): OutgoingBody {
  if (body === null || body instanceof ReadableStream) return { body, contentLength };
  const bytes = new Uint8Array(body);
  return {
    body: new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    }),
  };
}

/** Failures before anything was sent, in the words of both runtimes; after any other the request may have been carried out. */
const neverSent = /^connect:|no connection|refused|notfound|eai_|unreach|eproto|cert|tls|ssl|unable_to_|self_signed/i;

function unreachable(reason: string): OAuthError {
  return new OAuthError(
    "temporarily_unavailable",
    neverSent.test(reason)
      ? "the MCP server behind this proxy can't be reached; try again later, or tell the person who runs it"
      : "the MCP server broke off the connection before it answered; whether it carried out the request is not known",
    { status: 502, cause: reason },
  );
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

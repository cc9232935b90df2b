// The runtime's own way to a downstream: TLS, outgoing proxies, and on Deno everything.
import { isReader } from "../http1/answer.ts";
import type { OAuthError } from "../oauth/errors.ts";
import { streamOf } from "./edited_answer.ts";
import type { Exchange } from "./exchange.ts";
import { fetchedAnswer } from "./fetched_answer.ts";
import type { Transport } from "./forward.ts";
import type { OutgoingBody } from "./request_body.ts";

export interface FetchTools {
  fetch: typeof fetch;
  /** The runtime's own: no decoding, no timeout. */
  fetchOptions: RequestInit;
  /** The runtime would send a whole body twice, so it is handed over as a stream. */
  resendsBodies: boolean;
  /** Whether the host of a URL takes a connection within so many milliseconds. */
  isReachable: (url: URL, timeoutMs: number) => Promise<boolean>;
  connectTimeoutMs: number;
  /** After this much quiet a kept connection is not trusted any more. */
  reuseConnectionsWithinMs: number;
  /** What a host that takes no connection ends the exchange with. */
  noConnection: (reason: string) => OAuthError;
}

/** An answer within this time proves that the host can be reached. */
const reachableForMs = 30_000;

export function createFetchTransport(tools: FetchTools): Transport {
  const { fetch, connectTimeoutMs, reuseConnectionsWithinMs } = tools;
  /** Origin -> when it last answered, by `performance.now()`. */
  const answeredAt = new Map<string, number>();

  return async (outgoing, exchange) => {
    const { url, method, fields } = outgoing;
    const { contentLength } = outgoing.body;
    const body = tools.resendsBodies ? asStream(outgoing.body.body) : outgoing.body.body;
    const quietMs = performance.now() - (answeredAt.get(url.origin) ?? -Infinity);
    if (contentLength !== undefined) fields.set("content-length", contentLength);
    const probe = quietMs < reachableForMs ? undefined : watchConnection(url, exchange);
    try {
      const init: RequestInit & { duplex?: "half" } = {
        ...tools.fetchOptions,
        method,
        headers: fields.toRecord(),
        body: isReader(body) ? streamOf(body) : body,
        redirect: "manual",
        signal: exchange.signal,
      };
      if (quietMs >= reuseConnectionsWithinMs) init.keepalive = false;
      if (isReader(body)) init.duplex = "half";
      const response = await fetch(url, init);
      answeredAt.set(url.origin, performance.now());
      return fetchedAnswer(response);
    } finally {
      clearTimeout(probe);
    }
  };

  /** Where the first byte takes its time: is anybody there at all? */
  function watchConnection(url: URL, exchange: Exchange): ReturnType<typeof setTimeout> {
    const waitMs = Math.min(1_000, connectTimeoutMs / 2);
    return setTimeout(async () => {
      if (await tools.isReachable(url, connectTimeoutMs - waitMs)) return;
      if (exchange.reason === undefined) {
        exchange.cut(tools.noConnection(`no connection within ${connectTimeoutMs / 1000} s`));
      }
    }, waitMs);
  }
}

function asStream(body: OutgoingBody["body"]): OutgoingBody["body"] {
  return body === null || isReader(body) ? body : new Blob([body]).stream().getReader();
}

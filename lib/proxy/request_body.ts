// The body of a request on its way up: small ones whole, because that is cheaper; large ones as they come. Both within the limit.
import { OAuthError } from "../oauth/errors.ts";
import { collectBytes } from "../http/collected_bytes.ts";
import { type ByteReader, freeMemory } from "../http1/answer.ts";
import { type Exchange, whyBroken } from "./exchange.ts";

/** Up to here a body is read whole before it is sent. */
const wholeUpToBytes = 65_536;

export interface OutgoingBody {
  body: Uint8Array<ArrayBuffer> | ArrayBuffer | ByteReader | null;
  /** Of a stream whose length the client announced; else the length goes by itself. */
  contentLength?: string | undefined;
  /** Where it is another one than the client announced. */
  contentType?: string;
}

/**
 * A small body is read without a look at `request.body`: on Bun that alone makes a stream of it, which costs more than the rest.
 *
 * @throws OAuthError 413, now or later, when the announced length, or what arrives, is beyond `maxBytes`
 */
export async function outgoingBody(request: Request, exchange: Exchange, maxBytes: number): Promise<OutgoingBody> {
  const { method } = request;
  if (method === "GET" || method === "HEAD" || method === "DELETE") return { body: null };
  const announced = request.headers.get("content-length");
  const length = announced !== null && /^\d+$/.test(announced) ? Number(announced) : undefined;
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  if (length !== undefined && length <= wholeUpToBytes) {
    try {
      return { body: await exchange.orCut(request.arrayBuffer()) };
    } catch (error) {
      throw whyBroken(error, exchange);
    }
  }
  const { body } = request;
  if (body === null) return { body };
  if (announced === null || length === undefined) return await unannounced(body, exchange, maxBytes);
  return { body: limited(undefined, body.getReader(), { exchange, maxBytes }), contentLength: announced };
}

/** Chunked: whole when it turns out small, and counted while it streams. */
async function unannounced(
  body: ReadableStream<Uint8Array>,
  exchange: Exchange,
  maxBytes: number,
): Promise<OutgoingBody> {
  const reader = body.getReader();
  const collected = collectBytes();
  while (collected.size <= wholeUpToBytes) {
    const { done, value } = await exchange.orCut(reader.read()).catch((error) => {
      throw whyBroken(error, exchange);
    });
    if (done) return { body: collected.whole() };
    exchange.touch();
    collected.push(value);
    if (collected.size > maxBytes) {
      void reader.cancel();
      throw tooLarge(maxBytes);
    }
  }
  return { body: limited(collected.whole(), reader, { exchange, maxBytes }) };
}

/** @param first what was read already */
function limited(
  first: Uint8Array | undefined,
  reader: ByteReader,
  { exchange, maxBytes }: { exchange: Exchange; maxBytes: number },
): ByteReader {
  let size = 0;

  async function next(): Promise<Uint8Array | undefined> {
    try {
      return (await reader.read()).value;
    } catch (error) {
      const reason = whyBroken(error, exchange) as Error;
      exchange.cut(reason);
      throw reason;
    }
  }

  return {
    async read() {
      const value = first ?? await next();
      first = undefined;
      exchange.touch();
      if (value === undefined) return { done: true };
      size += value.length;
      if (size > maxBytes) {
        const error = tooLarge(maxBytes);
        exchange.cut(error);
        void reader.cancel();
        throw error;
      }
      exchange.count("in", value.length);
      return { done: false, value };
    },
    cancel: (reason) => reader.cancel(reason),
    release: freeMemory,
  };
}

function tooLarge(maxBytes: number): OAuthError {
  return new OAuthError("invalid_request", `the request body is larger than ${maxBytes} bytes`, {
    status: 413,
    operatorHint: "server.body_limit sets the limit in bytes",
  });
}

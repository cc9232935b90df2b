// An SSE stream on its way to the client: kept alive while it is quiet, edited where it has to be, otherwise as it came.
import { dropMarks } from "./byte_order_mark.ts";
import type { ByteReader } from "../http1/answer.ts";
import type { Exchange } from "./exchange.ts";
import { keepAlive, type Quiet, stopKeepAlive } from "./sse_keepalive.ts";

/** A change to the bytes of a stream; chunks may be cut anywhere. */
export interface StreamEdit {
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

export interface SseStreamOptions {
  /** Milliseconds of quiet until a comment is sent; 0 = never, but for the first one. */
  keepaliveMs: number;
  edit?: StreamEdit | undefined;
  /** The edit threw: what the client reads before the stream ends; undefined lets the stream break off. */
  onEditError?: ((error: unknown) => string | undefined) | undefined;
  /** Told of the bytes, and of the end however it comes. */
  exchange: Pick<Exchange, "count" | "end">;
}

const lineFeed = 10;
const carriageReturn = 13;
const nothing = new Uint8Array();
const comment = new TextEncoder().encode(": keepalive\n\n");
/** Inside an event, where a blank line would end it too early. */
const innerComment = new TextEncoder().encode(": keepalive\n");

/** Without keepalives: so long waits the client for the head of a quiet stream's answer. What speaks sooner stays as it is. */
const quietHeadMs = 500;

const readNothingAhead = { highWaterMark: 0 };

/**
 * `source` with comments (HTML §9.2.6) while it is quiet, only ever between two lines. One comes at once, or soon where they
 * are off: Bun sends the head of an answer with the first byte of its body, and edges hold back what has none. Backpressure,
 * cancellation and a break-off go through; a broken source never becomes a clean end.
 */
export function sseStream(source: ByteReader, options: SseStreamOptions): ReadableStream<Uint8Array> {
  return new ReadableStream(new SseSource(source, options), readNothingAhead);
}

/** A class, because thousands are open at a time and closures take several times the memory. */
class SseSource implements UnderlyingDefaultSource<Uint8Array>, Quiet {
  lastByteAt = performance.now();
  readonly #reader: ByteReader;
  readonly #options: SseStreamOptions;
  readonly #quietMs: number;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** At the start of the stream: what may still become a byte order mark. */
  #held: Uint8Array | undefined = nothing;
  /** The last two bytes or line ends sent. */
  #last = lineFeed;
  #beforeLast = lineFeed;

  constructor(reader: ByteReader, options: SseStreamOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#quietMs = options.keepaliveMs || quietHeadMs;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
    if (this.#options.keepaliveMs > 0) controller.enqueue(comment);
    keepAlive(this, this.#quietMs);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        this.lastByteAt = performance.now();
        const chunk = done ? this.#rest() : this.#edited(value);
        if (chunk.length > 0) this.#send(controller, chunk);
        if (done) {
          this.#finish();
          return controller.close();
        }
        if (chunk.length > 0) return;
      }
    } catch (error) {
      this.#breakOff(controller, error);
    }
  }

  cancel(reason: unknown): Promise<void> {
    this.#finish();
    return this.#reader.cancel(reason);
  }

  /** A client that does not read gets no more than it can take. */
  sendComment(): void {
    const controller = this.#controller;
    if (controller === undefined || this.#last !== lineFeed || (controller.desiredSize ?? -1) < 0) return;
    this.lastByteAt = performance.now();
    controller.enqueue(this.#beforeLast === lineFeed ? comment : innerComment);
    if (this.#options.keepaliveMs === 0) stopKeepAlive(this, this.#quietMs);
  }

  #edited(value: Uint8Array): Uint8Array {
    const { edit, exchange } = this.#options;
    exchange.count("out", value.length);
    let chunk = value;
    if (this.#held !== undefined) ({ held: this.#held, rest: chunk } = dropMarks(this.#held, value));
    return edit === undefined ? chunk : edit.push(chunk);
  }

  /** What was held back until the end. */
  #rest(): Uint8Array {
    const { edit } = this.#options;
    const held = this.#held ?? nothing;
    return edit === undefined ? held : Buffer.concat([edit.push(held), edit.end()]);
  }

  #send(controller: ReadableStreamDefaultController<Uint8Array>, chunk: Uint8Array): void {
    if (this.#options.keepaliveMs > 0) this.#advance(chunk);
    else stopKeepAlive(this, this.#quietMs);
    controller.enqueue(chunk);
  }

  #advance(chunk: Uint8Array): void {
    // CRLF counts as one: look past the CR.
    for (let i = Math.max(0, chunk.length - 4); i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === carriageReturn) continue;
      this.#beforeLast = this.#last;
      this.#last = byte;
    }
    // After a lone CR the next byte may still belong to the line end.
    if (chunk.at(-1) === carriageReturn) this.#last = carriageReturn;
  }

  #breakOff(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    this.#finish();
    void this.#reader.cancel(error).catch(() => {}); // it is broken already, or nobody reads it any more
    const lastWords = this.#options.onEditError?.(error);
    if (lastWords === undefined) return controller.error(error);
    controller.enqueue(new TextEncoder().encode(lastWords));
    controller.close();
  }

  #finish(): void {
    stopKeepAlive(this, this.#quietMs);
    this.#options.exchange.end();
  }
}

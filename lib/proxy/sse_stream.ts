// An SSE stream on its way to the client: kept alive while it is quiet, edited where it has to be, otherwise as it came.

/** A change to the bytes of a stream; chunks may be cut anywhere. */
export interface StreamEdit {
  push(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

export interface SseStreamOptions {
  /** Milliseconds of quiet until a comment is sent, and one at once, which makes edges pass the stream on; 0 = none. */
  keepaliveMs: number;
  edit?: StreamEdit | undefined;
  /** The edit threw: what the client reads before the stream ends; undefined lets the stream break off. */
  onEditError?: (error: unknown) => string | undefined;
  onEnd: () => void;
}

const lineFeed = 10;
const carriageReturn = 13;
const byteOrderMark = [0xEF, 0xBB, 0xBF];
const comment = new TextEncoder().encode(": keepalive\n\n");
/** Inside an event, where a blank line would end it too early. */
const innerComment = new TextEncoder().encode(": keepalive\n");

/**
 * `source` with comments (HTML §9.2.6) while it is quiet, only ever between two lines. Backpressure, cancellation and a
 * break-off go through; a broken source never becomes a clean end.
 */
export function sseStream(source: ReadableStream<Uint8Array>, options: SseStreamOptions): ReadableStream<Uint8Array> {
  const { keepaliveMs, onEnd } = options;
  const reader = source.getReader();
  const dropMark = dropByteOrderMark();
  const position = linePosition();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastByteAt = performance.now();

  function finish(): void {
    clearTimeout(timer);
    onEnd();
  }

  /** Bytes that go by only note the moment, so that a busy stream arms no timer per chunk. */
  function keepAlive(controller: ReadableStreamDefaultController<Uint8Array>, waitMs: number): void {
    timer = setTimeout(() => {
      const remainingMs = keepaliveMs - (performance.now() - lastByteAt);
      if (remainingMs > 0) return keepAlive(controller, remainingMs);
      // A client that does not read gets no more than it can take.
      if (position.betweenLines() && (controller.desiredSize ?? -1) >= 0) {
        controller.enqueue(position.betweenEvents() ? comment : innerComment);
      }
      keepAlive(controller, keepaliveMs);
    }, waitMs);
  }

  /** The bytes to send next; undefined at the end. Empty when everything was held back. */
  async function next(): Promise<Uint8Array | undefined> {
    const { done, value } = await reader.read();
    lastByteAt = performance.now();
    if (!done) {
      const chunk = dropMark.push(value);
      return options.edit?.push(chunk) ?? chunk;
    }
    const rest = dropMark.end();
    const edited = Buffer.concat([options.edit?.push(rest) ?? rest, options.edit?.end() ?? new Uint8Array()]);
    return edited.length === 0 ? undefined : edited;
  }

  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (keepaliveMs === 0) return;
      controller.enqueue(comment);
      keepAlive(controller, keepaliveMs);
    },
    async pull(controller) {
      try {
        for (;;) {
          const chunk = await next();
          if (chunk === undefined) {
            finish();
            return controller.close();
          }
          if (chunk.length === 0) continue;
          position.advance(chunk);
          return controller.enqueue(chunk);
        }
      } catch (error) {
        finish();
        void reader.cancel(error).catch(() => {}); // it is broken already, or nobody reads it any more
        const lastWords = options.onEditError?.(error);
        if (lastWords === undefined) return controller.error(error);
        controller.enqueue(new TextEncoder().encode(lastWords));
        controller.close();
      }
    },
    cancel(reason) {
      finish();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Where the stream stands, from the last two bytes or line ends seen. */
function linePosition() {
  let last = lineFeed;
  let beforeLast = lineFeed;
  return {
    advance(chunk: Uint8Array): void {
      // CRLF counts as one: look past the CR.
      for (const byte of chunk.subarray(-4)) {
        if (byte === carriageReturn) continue;
        beforeLast = last;
        last = byte;
      }
      // After a lone CR the next byte may still belong to the line end.
      if (chunk.at(-1) === carriageReturn) last = carriageReturn;
    },
    betweenLines: () => last === lineFeed,
    betweenEvents: () => last === lineFeed && beforeLast === lineFeed,
  };
}

/**
 * A comment of ours may stand first, so the mark would no longer be at the start, where alone it is ignored. A second one goes
 * too: the client would ignore that instead, and read a field that nobody here has seen.
 */
function dropByteOrderMark(): StreamEdit {
  /** What may still become a mark; undefined once something else has come. */
  let head: Uint8Array | undefined = new Uint8Array();
  return {
    push(chunk) {
      if (head === undefined) return chunk;
      const start: Uint8Array = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      let at = 0;
      while (isMark(start.subarray(at, at + byteOrderMark.length))) {
        if (start.length - at < byteOrderMark.length) {
          head = start.slice(at);
          return new Uint8Array();
        }
        at += byteOrderMark.length;
      }
      head = undefined;
      return start.subarray(at);
    },
    end() {
      const rest = head ?? new Uint8Array();
      head = undefined;
      return rest;
    },
  };
}

/** Whether this is a mark, or the beginning of one. */
function isMark(bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => byte === byteOrderMark[index]);
}

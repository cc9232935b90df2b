// Server-sent events (HTML §9.2) as a response.

export interface EventStream {
  response: Response;
  /** Aborted when the client went away. */
  signal: AbortSignal;
  send(event: { event?: string; data: string }): void;
  comment(text: string): void;
  close(): void;
}

/** A stream that starts with a comment, so that every hop on the way sees bytes at once. */
export function createEventStream(): EventStream {
  const encoder = new TextEncoder();
  const gone = new AbortController();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (started) => void (controller = started),
    cancel: () => {
      controller = undefined;
      gone.abort();
    },
  });
  const write = (text: string) => controller?.enqueue(encoder.encode(text));
  write(": hello\n\n");
  return {
    response: new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-cache", "x-accel-buffering": "no" },
    }),
    signal: gone.signal,
    send: ({ event, data }) => void write(`${event ? `event: ${event}\n` : ""}data: ${data}\n\n`),
    comment: (text) => void write(`: ${text}\n\n`),
    close: () => {
      controller?.close();
      controller = undefined;
    },
  };
}

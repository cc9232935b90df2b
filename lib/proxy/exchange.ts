// One request and its answer, as long as they last: what ends it early, and how much quiet it stands.

/** The client went away first. Nobody is left to be told; it is no failure of anybody. */
export class ClientLeftError extends Error {
  override readonly name = "ClientLeftError";
}

export interface Exchange {
  /** Aborts when the client leaves, when it was quiet for too long, or by `cut`; the reason is the error to report. */
  readonly signal: AbortSignal;
  /** A byte went by: the quiet starts anew. */
  touch(): void;
  /** So many bytes of a body went by: `in` from the client, `out` to it. */
  count(direction: "in" | "out", bytes: number): void;
  cut(reason: Error): void;
  /** The promise, or the reason of the cut, whichever is first. */
  orCut<T>(promise: Promise<T>): Promise<T>;
  /** From now on any quiet is fine. */
  liftIdleLimit(): void;
  /** From now on nothing cuts it: it is over, or the runtime passes the rest on by itself. */
  end(): void;
}

export interface ExchangeOptions {
  clientSignal: AbortSignal;
  /** 0 = any quiet is fine. */
  idleTimeoutMs: number;
  /** Why the exchange ends when the quiet lasted too long. */
  idleError: () => Error;
  /** Called once, however it ended. */
  onEnd?: () => void;
  onBytes?: Exchange["count"];
}

const countNothing = () => {};

export function openExchange({ clientSignal, idleTimeoutMs, idleError, onEnd, onBytes }: ExchangeOptions): Exchange {
  const controller = new AbortController();
  const { signal } = controller;
  let lastByteAt = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  /** Those who wait for something that a cut ends. Not listeners of the signal: these are many times cheaper. */
  const waiting = new Set<(reason: Error) => void>();

  const clientLeft = () => cut(new ClientLeftError("the client left before the answer was complete"));

  function cut(reason: Error): void {
    end();
    for (const reject of waiting) reject(reason);
    controller.abort(reason);
  }

  function end(): void {
    clearTimeout(timer);
    timer = undefined;
    clientSignal.removeEventListener("abort", clientLeft);
    if (isOver) return;
    isOver = true;
    onEnd?.();
  }

  /** Touching only notes the moment; the timer looks at it, so that a busy stream arms no timer per chunk. */
  function watch(waitMs: number): void {
    timer = setTimeout(() => {
      const remainingMs = idleTimeoutMs - (performance.now() - lastByteAt);
      if (remainingMs <= 0) cut(idleError());
      else watch(remainingMs);
    }, waitMs);
  }

  if (clientSignal.aborted) clientLeft();
  else {
    clientSignal.addEventListener("abort", clientLeft);
    if (idleTimeoutMs > 0) watch(idleTimeoutMs);
  }

  return {
    signal,
    cut,
    end,
    liftIdleLimit: () => clearTimeout(timer),
    touch: () => void (lastByteAt = performance.now()),
    count: onBytes ?? countNothing,
    orCut: (promise) =>
      signal.aborted ? Promise.reject(signal.reason) : new Promise((resolve, reject) => {
        waiting.add(reject);
        promise.then(resolve, reject).finally(() => waiting.delete(reject));
      }),
  };
}

/** A body on its way to the client under the exchange's watch; ends the exchange with itself. A broken source stays broken. */
export function watchBody(source: ReadableStream<Uint8Array>, exchange: Exchange): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await exchange.orCut(reader.read());
        exchange.touch();
        if (!done) {
          exchange.count("out", value.length);
          return controller.enqueue(value);
        }
        exchange.end();
        controller.close();
      } catch (error) {
        exchange.end();
        controller.error(error);
      }
    },
    cancel(reason) {
      exchange.end();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

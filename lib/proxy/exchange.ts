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

/** What holds for every exchange with one downstream. */
export interface ExchangeRules {
  /** 0 = any quiet is fine. */
  idleTimeoutMs: number;
  /** Why the exchange ends when the quiet lasted too long. */
  idleError: () => Error;
  onBytes?: Exchange["count"];
}

/** @param noted told once that it is over, however it ended */
export function openExchange(clientSignal: AbortSignal, rules: ExchangeRules, noted?: { ended(): void }): Exchange {
  return new OpenExchange(clientSignal, rules, noted);
}

/** A class, because closures for each of these would be made with every request. */
class OpenExchange implements Exchange {
  readonly #rules: ExchangeRules;
  readonly #noted: { ended(): void } | undefined;
  readonly #controller = new AbortController();
  #lastByteAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  /** Those who wait for something that a cut ends. Not listeners of the signal: these are many times cheaper. */
  readonly #waiting = new Set<(reason: Error) => void>();

  constructor(clientSignal: AbortSignal, rules: ExchangeRules, noted: { ended(): void } | undefined) {
    this.#rules = rules;
    this.#noted = noted;
    if (clientSignal.aborted) this.#clientLeft();
    else {
      // Never removed: it goes with the request, and does nothing once the exchange is over.
      clientSignal.addEventListener("abort", () => this.#clientLeft());
      if (rules.idleTimeoutMs > 0) this.#watch(rules.idleTimeoutMs);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    this.#lastByteAt = performance.now();
  }

  count(direction: "in" | "out", bytes: number): void {
    this.#rules.onBytes?.(direction, bytes);
  }

  cut(reason: Error): void {
    this.end();
    for (const reject of this.#waiting) reject(reason);
    this.#controller.abort(reason);
  }

  orCut<T>(promise: Promise<T>): Promise<T> {
    // Who is over may still wait; only what was cut has a reason to give.
    if (this.#isOver && this.signal.aborted) return Promise.reject(this.signal.reason);
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then((value) => {
        this.#waiting.delete(reject);
        resolve(value);
      }, (error) => {
        this.#waiting.delete(reject);
        reject(error);
      });
    });
  }

  liftIdleLimit(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isOver) return;
    this.#isOver = true;
    this.#noted?.ended();
  }

  #clientLeft(): void {
    if (!this.#isOver) this.cut(new ClientLeftError("the client left before the answer was complete"));
  }

  /** Touching only notes the moment; the timer looks at it, so that a busy stream arms no timer per chunk. */
  #watch(waitMs: number): void {
    this.#timer = setTimeout(() => {
      const { idleTimeoutMs, idleError } = this.#rules;
      const remainingMs = idleTimeoutMs - (performance.now() - this.#lastByteAt);
      if (remainingMs <= 0) this.cut(idleError());
      else this.#watch(remainingMs);
    }, waitMs);
  }
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

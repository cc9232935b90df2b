// One request and its answer, as long as they last: what ends it early, and how much quiet it stands.
import type { ByteReader } from "../http1/answer.ts";
import type { Cuttable } from "../http1/connection.ts";
import { OAuthError } from "../oauth/errors.ts";
import { currentRuntime } from "../runtime/runtime.ts";
import { beginYouth, endYouth, type Young } from "./young_exchanges.ts";

/** The client went away first. Nobody is left to be told; it is no failure of anybody. */
export class ClientLeftError extends Error {
  override readonly name = "ClientLeftError";
}

/**
 * Why a client's body can't be read to its end: it was cut, it is refused, or the client has left, whom nobody may be watching yet.
 */
export function whyBroken(error: unknown, exchange: Exchange): unknown {
  if (exchange.reason !== undefined) return exchange.reason;
  return error instanceof OAuthError ? error : new ClientLeftError("the client left before its request was complete");
}

export interface Exchange {
  /** Aborts when the client leaves, when it was quiet for too long, or by `cut`; the reason is the error to report. */
  readonly signal: AbortSignal;
  /** Of the cut; undefined while there was none. */
  readonly reason: Error | undefined;
  /** A byte went by: the quiet starts anew. */
  touch(): void;
  /** So many bytes of a body went by: `in` from the client, `out` to it. */
  count(direction: "in" | "out", bytes: number): void;
  cut(reason: Error): void;
  /** Tells of the cut, at once where it has come. Only the last one asked for is told, and only while nothing else has ended it. */
  whenCut(told: Cuttable): void;
  /** The promise, or the reason of the cut, whichever is first. One at a time: a cut tells the last one. */
  orCut<T>(promise: Promise<T>): Promise<T>;
  /** It is a stream, or takes its time: from now on it is watched. Comes by itself where an exchange is not over soon. */
  lasts(): void;
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

/** The client's side of it. Let go of as soon as it is watched, because it holds the request. */
export interface ClientSide {
  readonly request: { readonly signal: AbortSignal };
  readonly connection: { keepOpen(): void };
}

/** @param noted told once that it is over, however it ended */
export function openExchange(client: ClientSide, rules: ExchangeRules, noted?: { ended(): void }): Exchange {
  return new OpenExchange(client, rules, noted);
}

/** A class, because closures for each of these would be made with every request. */
class OpenExchange implements Exchange, Young {
  #client: ClientSide | undefined;
  readonly #rules: ExchangeRules;
  readonly #noted: { ended(): void } | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  #told: Cuttable | undefined;
  /** Of the last one who waited; does nothing when that is over. Not a listener of the signal: this is many times cheaper. */
  #rejectWaiting: ((reason: Error) => void) | undefined;
  #lastByteAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #standsQuiet = false;
  #isOver = false;

  constructor(client: ClientSide, rules: ExchangeRules, noted: { ended(): void } | undefined) {
    this.#client = client;
    this.#rules = rules;
    this.#noted = noted;
    beginYouth(this);
  }

  /** Made when somebody asks: most requests need none. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get reason(): Error | undefined {
    return this.#reason;
  }

  touch(): void {
    this.#lastByteAt = performance.now();
  }

  count(direction: "in" | "out", bytes: number): void {
    this.#rules.onBytes?.(direction, bytes);
  }

  cut(reason: Error): void {
    const told = this.#told;
    this.end();
    this.#reason ??= reason;
    this.#rejectWaiting?.(reason);
    this.#controller?.abort(reason);
    told?.cut(reason);
  }

  whenCut(told: Cuttable): void {
    if (this.#reason !== undefined) told.cut(this.#reason);
    else this.#told = told;
  }

  orCut<T>(promise: Promise<T>): Promise<T> {
    // Who is over may still wait; only what was cut has a reason to give.
    const reason = this.#reason;
    if (reason !== undefined) {
      promise.catch(() => {}); // it fails for the same reason
      return Promise.reject(reason);
    }
    return new Promise((resolve, reject) => {
      this.#rejectWaiting = reject;
      promise.then(resolve, reject);
    });
  }

  lasts(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    endYouth(this);
    const { signal } = client.request;
    if (signal.aborted) return this.#clientLeft();
    // Never removed: it goes with the request, and does nothing once the exchange is over.
    signal.addEventListener("abort", () => this.#clientLeft());
    client.connection.keepOpen();
    const { idleTimeoutMs } = this.#rules;
    if (idleTimeoutMs > 0 && !this.#standsQuiet) this.#watch(idleTimeoutMs);
  }

  liftIdleLimit(): void {
    this.#standsQuiet = true;
    this.lasts();
    this.#stopTimer();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#client !== undefined) endYouth(this);
    this.#client = undefined;
    this.#told = undefined;
    this.#stopTimer();
    this.#noted?.ended();
  }

  #clientLeft(): void {
    if (!this.#isOver) this.cut(new ClientLeftError("the client left before the answer was complete"));
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
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
export function watchBody(reader: ByteReader, exchange: Exchange): ReadableStream<Uint8Array> {
  exchange.lasts();
  return currentRuntime().bodyOf({
    async next() {
      try {
        const { done, value } = await exchange.orCut(reader.read());
        exchange.touch();
        if (done) exchange.end();
        else exchange.count("out", value.length);
        return done ? undefined : value;
      } catch (error) {
        exchange.end();
        throw error;
      }
    },
    written: (piece) => reader.release?.(piece),
    cancel(reason) {
      exchange.end();
      void reader.cancel(reason).catch(() => {}); // nobody waits for its end
    },
  });
}

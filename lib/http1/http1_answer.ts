// A response on its way in: its head, and its body as far as it has come.
import { collectBytes, type CollectedBytes } from "../http/collected_bytes.ts";
import { type Answer, type ByteReader, freeMemory } from "./answer.ts";
import type { ByteSink } from "./body_decoder.ts";
import type { Cuttable } from "./connection.ts";
import { FieldList } from "./field_list.ts";
import { Http1Error } from "./http1_error.ts";
import type { ResponseHead } from "./response_head.ts";

/** What a reader asks of the connection that the body comes on. */
export interface Flow {
  /** The reader is behind, or has caught up again. */
  hold(isHeld: boolean): void;
  /** Nobody wants the rest, or it is not to come. */
  giveUp(reason: Error): void;
}

const smallBytes = 512;
/** So much waits for a slow reader, and what the system has read beyond it. */
const readAheadBytes = 65_536;

const noFields = new FieldList();

/** One object for all of it, because thousands are open at a time. */
export class Http1Answer implements Answer, ByteReader, ByteSink, Cuttable {
  status = 0;
  fields = noFields;
  readonly #flow: Flow;
  #hasBody = false;
  /** What came and was not read yet. */
  readonly #chunks: Uint8Array[] = [];
  /** The last of it, put together from pieces that would each keep a larger buffer, or be as large as what it takes to keep them. */
  #tail: CollectedBytes | undefined;
  #size = 0;
  #isHeld = false;
  #isComplete = false;
  #failure: Error | undefined;
  /** Who waits for the next bytes, or for the end. */
  #waiting: ((next: Next | Promise<Next>) => void) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  begin({ status, fields, framing }: ResponseHead): void {
    this.status = status;
    this.fields = fields;
    this.#hasBody = framing !== 0;
  }

  push(bytes: Uint8Array): void {
    if (this.#waiting !== undefined) return this.#hand({ done: false, value: bytes });
    if (bytes.length < smallBytes || bytes.length * 4 < bytes.buffer.byteLength) {
      (this.#tail ??= collectBytes()).push(bytes);
    } else {
      this.#endTail();
      this.#chunks.push(bytes);
    }
    this.#size += bytes.length;
    if (this.#size > readAheadBytes) this.#hold(true);
  }

  /** The body has come to its end; the connection is not ours any more. */
  complete(): void {
    this.#hold(false);
    this.#isComplete = true;
    this.#hand(done);
  }

  /** It has not, and will not. */
  fail(error: Error): void {
    this.#failure = error;
    if (this.#waiting !== undefined) this.#hand(Promise.reject(error));
  }

  reader(): ByteReader | null {
    return this.#hasBody ? this : null;
  }

  read(): Promise<Next> {
    this.fields = noFields; // whoever reads has looked at them, and thousands of streams wait here
    if (this.#chunks.length === 0) this.#endTail();
    const value = this.#chunks.shift();
    if (value !== undefined) {
      this.#size -= value.length;
      if (this.#size <= readAheadBytes) this.#hold(false);
      return Promise.resolve({ done: false, value });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isComplete) return Promise.resolve(done);
    return new Promise((resolve) => this.#waiting = resolve);
  }

  release(piece: Uint8Array): void {
    freeMemory(piece);
  }

  cancel(): Promise<void> {
    this.discard();
    return Promise.resolve();
  }

  discard(): void {
    this.#chunks.length = 0;
    this.#tail = undefined;
    this.#size = 0;
    this.cut(new Http1Error("given_up"));
  }

  cut(reason: Error): void {
    if (!this.#isComplete && this.#failure === undefined) this.#flow.giveUp(reason);
  }

  whole(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    if (!this.#isComplete) return this.#readWhole();
    this.#endTail();
    return joined(this.#chunks.splice(0));
  }

  async #readWhole(): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await this.read();
      if (done) return joined(chunks);
      chunks.push(value);
    }
  }

  #endTail(): void {
    if (this.#tail !== undefined) this.#chunks.push(this.#tail.whole());
    this.#tail = undefined;
  }

  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#flow.hold(isHeld);
  }

  #hand(next: Next | Promise<Next>): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(next);
  }
}

type Next = Awaited<ReturnType<ByteReader["read"]>>;

const done = { done: true } as const;

/** Bytes of ours alone, as the runtime hands them over. */
function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  return (first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)) as Uint8Array<ArrayBuffer>;
}

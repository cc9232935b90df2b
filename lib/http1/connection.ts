// One connection to a server, and the one request that is on it at a time.
import { collectBytes, type CollectedBytes } from "../http/collected_bytes.ts";
import type { TcpConnection, TcpHandlers } from "../runtime/runtime.ts";
import { type ByteReader, isReader } from "./answer.ts";
import { type BodyDecoder, createBodyDecoder } from "./body_decoder.ts";
import { type Flow, Http1Answer } from "./http1_answer.ts";
import { Http1Error, malformed } from "./http1_error.ts";
import type { RequestFraming } from "./request_head.ts";
import { RequestWriter } from "./request_writer.ts";
import { parseResponseHead, type ResponseHead } from "./response_head.ts";

/** A request as it goes onto the wire. */
export interface WireRequest {
  /** A character for each byte. */
  head: string;
  body: Uint8Array | ArrayBuffer | ByteReader | null;
  framing: RequestFraming;
}

/** Tells once of the end that comes from outside. */
export interface Watch {
  /** Only the last one asked for is told, at once where the end has come already. */
  whenCut(told: Cuttable): void;
}

export interface Cuttable {
  cut(reason: Error): void;
}

const maxHeadBytes = 65_536;
/** Interim answers (RFC 9110 §15.2) before the one that counts. */
const maxInterim = 16;

export class Http1Connection implements TcpHandlers, Flow {
  /** By `performance.now()`: when the last answer was complete. */
  idleSince = 0;
  readonly #onIdle: (connection: Http1Connection) => void;
  readonly #onClosed: (connection: Http1Connection) => void;
  #tcp: TcpConnection | undefined;
  #writer: RequestWriter | undefined;
  /** The request that is on it. */
  #answer: Http1Answer | undefined;
  /** Who waits for the head of its answer. */
  #resolve: ((answer: Http1Answer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #headSoFar: CollectedBytes | undefined;
  #interim = 0;
  #decoder: BodyDecoder | undefined;
  #keepsConnection = false;
  /** A body on its way up. */
  #upload: ByteReader | undefined;
  #isClosed = false;

  constructor(onIdle: (connection: Http1Connection) => void, onClosed: (connection: Http1Connection) => void) {
    this.#onIdle = onIdle;
    this.#onClosed = onClosed;
  }

  opened(tcp: TcpConnection): void {
    if (this.#isClosed) return tcp.destroy(); // the first request hears of it
    this.#tcp = tcp;
    this.#writer = new RequestWriter(tcp);
  }

  /**
   * @returns the answer once its head is there
   * @throws Http1Error; the reason of a cut
   */
  send({ head, body, framing }: WireRequest, watch: Watch): Promise<Http1Answer> {
    const answer = this.#answer = new Http1Answer(this);
    this.#interim = 0;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      watch.whenCut(answer);
      if (this.#answer !== answer) return; // it was cut already
      if (this.#writer === undefined) return this.#fail(new Http1Error("ECONNRESET"));
      const isStream = isReader(body);
      this.#writer.send(head, isStream ? null : body);
      if (isStream && this.#answer === answer) void this.#sendStream(answer, body, framing);
    });
  }

  /** At once, whatever is on it. */
  destroy(): void {
    const tcp = this.#tcp;
    this.#isClosed = true;
    this.#tcp = undefined;
    tcp?.destroy();
  }

  // Flow

  hold(isHeld: boolean): void {
    if (isHeld) this.#tcp?.pause();
    else this.#tcp?.resume();
  }

  giveUp(reason: Error): void {
    this.#fail(reason);
  }

  // TcpHandlers

  data(chunk: Buffer): void {
    try {
      if (this.#decoder !== undefined) this.#takeBody(chunk);
      else if (this.#resolve !== undefined) this.#takeHead(chunk);
      else this.destroy(); // nothing was asked, so whatever this is belongs to nobody
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  drain(): void {
    this.#writer?.drain();
  }

  closed(code: string | undefined): void {
    this.#isClosed = true;
    this.#tcp = undefined;
    if (code === undefined && this.#decoder?.endsWithConnection === true) this.#finish(false);
    else this.#fail(new Http1Error(code ?? "ECONNRESET"));
    this.#writer?.wake();
    this.#writer = undefined;
    this.#onClosed(this);
  }

  async #sendStream(
    answer: Http1Answer,
    reader: ByteReader,
    framing: RequestFraming,
  ): Promise<void> {
    this.#upload = reader;
    try {
      await this.#writer!.stream(reader, framing);
      if (this.#upload === reader) this.#upload = undefined;
    } catch (error) {
      if (this.#answer === answer) this.#fail(error as Error);
    }
  }

  #takeHead(chunk: Buffer): void {
    let bytes = chunk;
    let searched = 0;
    if (this.#headSoFar !== undefined) {
      searched = Math.max(0, this.#headSoFar.size - 3);
      this.#headSoFar.push(chunk);
      const whole = this.#headSoFar.whole();
      bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength);
    }
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n", searched, "latin1");
      if ((end < 0 ? bytes.length : end) > maxHeadBytes) throw malformed("the head is too long");
      if (end < 0) {
        if (hasBareLineFeed(bytes, searched)) throw malformed("a line of the head ends without CR"); // it would never end
        return this.#keepHead(bytes);
      }
      const head = parseResponseHead(bytes.toString("latin1", 0, end));
      bytes = bytes.subarray(end + 4);
      searched = 0;
      if (head.status >= 200 || head.status === 101) return this.#begin(head, bytes);
      if (++this.#interim > maxInterim) throw malformed("too many interim answers");
      this.#headSoFar = undefined;
    }
  }

  /** What has come of a head that is not complete. */
  #keepHead(bytes: Buffer): void {
    if (this.#headSoFar !== undefined) return;
    this.#headSoFar = collectBytes();
    this.#headSoFar.push(bytes);
  }

  #begin(head: ResponseHead, rest: Buffer): void {
    const answer = this.#answer!;
    const resolve = this.#resolve!;
    this.#resolve = this.#reject = undefined;
    this.#headSoFar = undefined;
    this.#keepsConnection = head.keepsConnection && head.status !== 101;
    answer.begin(head);
    resolve(answer); // whoever waits goes on when all of these bytes are looked at
    if (head.framing === 0) this.#finish(rest.length === 0);
    else {
      this.#decoder = createBodyDecoder(head.framing);
      if (rest.length > 0) this.#takeBody(rest);
    }
  }

  #takeBody(chunk: Buffer): void {
    const rest = this.#decoder!.decode(chunk, this.#answer!);
    if (rest !== undefined) this.#finish(rest.length === 0);
  }

  /** The answer is complete. @param isClean nothing came behind it */
  #finish(isClean: boolean): void {
    const answer = this.#answer!;
    this.#answer = undefined;
    this.#decoder = undefined;
    answer.complete();
    if (isClean && this.#keepsConnection && this.#upload === undefined && this.#writer?.isDone === true) {
      this.#onIdle(this);
    } else this.#end();
  }

  #fail(error: Error): void {
    const answer = this.#answer;
    const reject = this.#reject;
    this.#answer = undefined;
    this.#decoder = undefined;
    this.#resolve = this.#reject = undefined;
    this.#headSoFar = undefined;
    this.#end();
    answer?.fail(error);
    reject?.(error);
  }

  /** Whatever the answer was, the connection carries nothing more. */
  #end(): void {
    const upload = this.#upload;
    this.#upload = undefined;
    void upload?.cancel().catch(() => {}); // its source has ended already, or nobody reads it any more
    this.destroy();
  }
}

const carriageReturn = 13;
const lineFeed = 10;

function hasBareLineFeed(bytes: Buffer, from: number): boolean {
  for (let at = bytes.indexOf(lineFeed, from); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    if (bytes[at - 1] !== carriageReturn) return true;
  }
  return false;
}

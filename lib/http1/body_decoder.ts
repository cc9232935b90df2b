// Where the body of a response ends (RFC 9112 §6, §7).
import { malformed } from "./http1_error.ts";
import type { Framing } from "./response_head.ts";

export interface ByteSink {
  push(bytes: Uint8Array): void;
}

export interface BodyDecoder {
  /** The connection's end is a clean end of the body. */
  readonly endsWithConnection: boolean;
  /**
   * Hands the body's own bytes of `chunk` on.
   *
   * @returns what follows the body, which may be empty; undefined while the body goes on
   * @throws Http1Error
   */
  decode(chunk: Uint8Array, sink: ByteSink): Uint8Array | undefined;
}

export function createBodyDecoder(framing: Framing): BodyDecoder {
  if (framing === "chunked") return new ChunkedDecoder();
  return framing === "close" ? untilClose : new LengthDecoder(framing);
}

const untilClose: BodyDecoder = {
  endsWithConnection: true,
  decode: (chunk, sink) => void sink.push(chunk),
};

const nothing = new Uint8Array();

class LengthDecoder implements BodyDecoder {
  readonly endsWithConnection = false;
  #remaining: number;

  constructor(length: number) {
    this.#remaining = length;
  }

  decode(chunk: Uint8Array, sink: ByteSink): Uint8Array | undefined {
    const remaining = this.#remaining;
    this.#remaining = Math.max(0, remaining - chunk.length);
    if (chunk.length <= remaining) {
      if (chunk.length > 0) sink.push(chunk);
      return this.#remaining === 0 ? nothing : undefined;
    }
    if (remaining > 0) sink.push(chunk.subarray(0, remaining));
    return chunk.subarray(remaining);
  }
}

const carriageReturn = 13;
const lineFeed = 10;
/** Of a chunk's size with its extensions, and of all trailer fields together; neither is passed on. */
const maxLineBytes = 4_096;
const maxTrailerBytes = 16_384;

/** RFC 9112 §7.1. Lines end with CRLF and nothing else. */
class ChunkedDecoder implements BodyDecoder {
  readonly endsWithConnection = false;
  #state: "size" | "data" | "data end" | "trailer" = "size";
  /** The line so far, without its end. */
  #line = "";
  #remaining = 0;
  #trailerBytes = 0;

  decode(chunk: Uint8Array, sink: ByteSink): Uint8Array | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === "data") {
        const end = Math.min(chunk.length, at + this.#remaining);
        sink.push(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
        this.#remaining -= end - at;
        at = end;
        if (this.#remaining === 0) this.#state = "data end";
        continue;
      }
      const end = chunk.indexOf(lineFeed, at);
      this.#add(chunk, at, end < 0 ? chunk.length : end);
      if (end < 0) return undefined;
      at = end + 1;
      if (this.#endLine()) return chunk.subarray(at);
    }
    return undefined;
  }

  #add(chunk: Uint8Array, from: number, to: number): void {
    if (this.#line.length + to - from > maxLineBytes) throw malformed("a chunk's line is too long");
    for (let i = from; i < to; i++) this.#line += String.fromCharCode(chunk[i]!);
  }

  /** @returns true at the end of the body */
  #endLine(): boolean {
    if (this.#line.charCodeAt(this.#line.length - 1) !== carriageReturn) {
      throw malformed("a chunk's line ends without CR");
    }
    const line = this.#line.slice(0, -1);
    this.#line = "";
    if (line.includes("\r")) throw malformed("a CR inside of a chunk's line");
    if (this.#state === "data end") {
      if (line !== "") throw malformed("a chunk is longer than announced");
      this.#state = "size";
    } else if (this.#state === "size") {
      this.#remaining = parseChunkSize(line);
      this.#state = this.#remaining === 0 ? "trailer" : "data";
    } else {
      if (line === "") return true;
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > maxTrailerBytes) throw malformed("too many trailer fields");
    }
    return false;
  }
}

/** Of `1a;name=value`: extensions say nothing to us (RFC 9112 §7.1.1). */
function parseChunkSize(line: string): number {
  const [, digits] = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?$/.exec(line) ?? [];
  if (digits === undefined) throw malformed("a chunk without a size");
  return Number.parseInt(digits, 16);
}

// The body of an HTTP/1.1 answer, with either framing (RFC 9112 §6), without copying it.

export interface BodyDecoder {
  /** The parts of the body in what came; throws Error where the framing is broken. */
  take(chunk: Buffer): Buffer[];
}

/** @param head status line and headers */
export function createBodyDecoder(head: string): BodyDecoder {
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? chunked() : { take: (chunk) => [chunk] };
}

/** RFC 9112 §7.1; what follows the last chunk is not looked at. */
function chunked(): BodyDecoder {
  /** Of the current chunk, its line end included. */
  let left = 0;
  let sizeLine = "";
  let isLast = false;

  /** The bytes that it took, up to and with the end of the line. */
  function readSize(chunk: Buffer): number {
    const end = chunk.indexOf("\n");
    sizeLine += chunk.toString("latin1", 0, end < 0 ? chunk.length : end);
    if (end < 0) return chunk.length;
    const size = /^([0-9a-f]+)\r$/i.exec(sizeLine)?.[1];
    if (size === undefined) throw new Error(`not the size of a chunk: ${JSON.stringify(sizeLine.slice(0, 40))}`);
    left = parseInt(size, 16) + 2;
    isLast = left === 2;
    sizeLine = "";
    return end + 1;
  }

  return {
    take(chunk) {
      const parts: Buffer[] = [];
      for (let at = 0; at < chunk.length && !isLast;) {
        if (left === 0) {
          at += readSize(chunk.subarray(at));
          continue;
        }
        const here = Math.min(left, chunk.length - at);
        // The last two bytes of a chunk are its line end.
        const data = Math.min(here, Math.max(0, left - 2));
        if (data > 0) parts.push(chunk.subarray(at, at + data));
        left -= here;
        at += here;
      }
      return parts;
    },
  };
}

// Byte order marks at the start of an event stream. A comment of ours may stand first, so the mark would no longer be where alone
// it is ignored. A second one goes too: the client would ignore that instead, and read a field that nobody here has seen.

const byteOrderMark = [0xEF, 0xBB, 0xBF];
const nothing = new Uint8Array();

/** The start of a stream so far. */
export interface StreamStart {
  /** What may still become a mark; undefined once something else has come. */
  held: Uint8Array | undefined;
  /** What follows the marks. */
  rest: Uint8Array;
}

/** @param held of the chunk before, empty for the first one */
export function dropMarks(held: Uint8Array, chunk: Uint8Array): StreamStart {
  const start: Uint8Array = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
  let at = 0;
  while (beginsLikeMark(start, at)) {
    if (start.length - at < byteOrderMark.length) return { held: start.slice(at), rest: nothing };
    at += byteOrderMark.length;
  }
  return { held: undefined, rest: at === 0 ? start : start.subarray(at) };
}

/** Whether a mark stands there, or what there is of it; also where there is nothing. */
function beginsLikeMark(bytes: Uint8Array, at: number): boolean {
  return byteOrderMark.every((byte, index) => at + index >= bytes.length || bytes[at + index] === byte);
}

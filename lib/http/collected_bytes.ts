// A body put together from chunks whose number and size the sender decides.

export interface CollectedBytes {
  readonly size: number;
  push(chunk: Uint8Array): void;
  /** All of it; whoever pushes more afterwards may change it. */
  whole(): Uint8Array<ArrayBuffer>;
  /** From UTF-8. */
  text(): string;
}

/**
 * Takes up at most three times what was pushed, however it was cut. A list of the chunks takes up much more: on Deno one of a
 * single byte keeps the 64 KiB that it was read into.
 */
export function collectBytes(): CollectedBytes {
  let bytes = new Uint8Array(0);
  let size = 0;

  function makeRoom(length: number): void {
    if (size + length <= bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * bytes.length, size + length));
    larger.set(bytes.subarray(0, size));
    bytes = larger;
  }

  return {
    get size() {
      return size;
    },
    push(chunk) {
      makeRoom(chunk.length);
      bytes.set(chunk, size);
      size += chunk.length;
    },
    whole: () => bytes.subarray(0, size),
    text: () => Buffer.from(bytes.buffer, 0, size).toString("utf8"),
  };
}

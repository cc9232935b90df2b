// Bytes that depend on their position, so that a piece lost, doubled or exchanged shows.

/** Not a power of two: no buffer size of anybody is a multiple of it. */
const period = 1_000_003;
const pieceBytes = 65_536;

/** Some pieces longer than the period, so that every piece is one slice. */
const pattern = Buffer.alloc(period + 4 * pieceBytes);
for (let i = 0; i < pattern.length; i++) {
  const position = i % period;
  pattern[i] = (position * 31 + (position >> 8) * 17 + (position >> 16)) & 0xff;
}

/** @param length 262,144 at most */
export function patternFrom(position: number, length: number): Buffer {
  const start = position % period;
  return pattern.subarray(start, start + length);
}

export interface PatternChecker {
  take(chunk: Buffer): void;
  taken(): number;
  isIdentical(): boolean;
}

/** Compares what comes with the pattern from its start. */
export function patternChecker(): PatternChecker {
  let taken = 0;
  let identical = true;
  return {
    take(chunk) {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        if (!patternFrom(taken, piece.length).equals(piece)) identical = false;
        taken += piece.length;
      }
    },
    taken: () => taken,
    isIdentical: () => identical,
  };
}

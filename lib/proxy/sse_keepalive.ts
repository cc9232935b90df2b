// When quiet event streams get their comments: one timer for thousands of them.

/** A stream that waits for something to send. */
export interface Quiet {
  /** By `performance.now()`: when the last byte went by. */
  lastByteAt: number;
  sendComment(): void;
}

/** How much earlier than wanted a comment may come, as a part of the time wanted. */
const sweepsPerInterval = 20;

/** Milliseconds of quiet -> who is to get a comment after so many. */
const waiting = new Map<number, { streams: Set<Quiet>; timer: ReturnType<typeof setInterval> }>();

/** From now on `stream` is never quiet for longer than `quietMs`, as far as it can send. */
export function keepAlive(stream: Quiet, quietMs: number): void {
  let group = waiting.get(quietMs);
  if (group === undefined) {
    const streams = new Set<Quiet>();
    const everyMs = Math.max(1, quietMs / sweepsPerInterval);
    group = { streams, timer: setInterval(() => sweep(streams, quietMs - everyMs), everyMs) };
    waiting.set(quietMs, group);
  }
  group.streams.add(stream);
}

export function stopKeepAlive(stream: Quiet, quietMs: number): void {
  const group = waiting.get(quietMs);
  if (group === undefined || !group.streams.delete(stream) || group.streams.size > 0) return;
  clearInterval(group.timer);
  waiting.delete(quietMs);
}

function sweep(streams: ReadonlySet<Quiet>, quietMs: number): void {
  const now = performance.now();
  for (const stream of streams) {
    if (now - stream.lastByteAt >= quietMs) stream.sendComment();
  }
}

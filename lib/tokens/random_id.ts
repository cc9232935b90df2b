import { randomFillSync } from "node:crypto";

/** Drawn for many at once: a call to the system for each shows in every token that is issued. */
const pool = Buffer.alloc(4096);
let used = pool.length;

/** Random bytes that nobody gets a second time; to be used at once, before the next are asked for. @param count 4096 at most */
export function freshBytes(count: number): Uint8Array {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

/** A fresh id of 128 bits: 22 base64url characters. */
export function randomId(): string {
  freshBytes(16);
  return pool.toString("base64url", used - 16, used);
}

import { randomFillSync } from "node:crypto";

const idBytes = 9;
const pool = Buffer.alloc(400 * idBytes);
let used = pool.length;

/** 72 random bits, 12 base64url characters; drawn for many at once, since a call to the system for each shows in every request. */
export function freshRequestId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString("base64url", used - idBytes, used);
}

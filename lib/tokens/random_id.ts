import { randomBytes } from "node:crypto";

/** A fresh id of 128 bits: 22 base64url characters. */
export function randomId(): string {
  return randomBytes(16).toString("base64url");
}

import { randomBytes } from "node:crypto";

/** 32 random bytes in base64: fit for `server.state_secret`. */
export function freshSecret(): string {
  return randomBytes(32).toString("base64");
}

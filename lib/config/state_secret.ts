// What is good enough to seal everything with.
import { Buffer } from "node:buffer";
import { type Secret, secret } from "./secrets.ts";

const minBytes = 32;
const remedy = "run: mcp-oauth-proxy secret";

/**
 * The state secret in standard base64, or what is wrong with it. Base64 and base64url are taken, padded or not.
 * Refused are fewer than 32 bytes, texts that ask to be changed, and bytes that nobody drew at random (all zero, counted up, a few repeated).
 */
export function parseStateSecret(given: Secret): { secret: Secret } | { problem: string } {
  const text = given.reveal().trim();
  if (/change.?me|replace.?me|place.?holder|your.?(state.?)?secret|example|insert.?here|generate/i.test(text)) {
    return { problem: `is a placeholder; ${remedy}` };
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) && !/^[A-Za-z0-9_-]+={0,2}$/.test(text)) {
    return { problem: `must be base64; ${remedy}` };
  }
  const bytes = Buffer.from(text, "base64");
  if (bytes.length < minBytes) return { problem: `holds ${bytes.length} bytes, and ${minBytes} are needed; ${remedy}` };
  if (isPattern(bytes)) return { problem: `is a pattern and not random; ${remedy}` };
  return { secret: secret(bytes.toString("base64")) };
}

/** 32 random bytes show about 30 different values and no constant step. */
function isPattern(bytes: Uint8Array): boolean {
  const step = (bytes[1]! - bytes[0]! + 256) % 256;
  const isCounted = bytes.every((byte, at) => at === 0 || (byte - bytes[at - 1]! + 256) % 256 === step);
  return isCounted || new Set(bytes).size < 12;
}

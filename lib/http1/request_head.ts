// Writes the head of a request (RFC 9112 §3, §5). Last line of defence: nothing that ends a line gets past this file.
import type { FieldList } from "./field_list.ts";
import { fieldValue, token } from "./grammar.ts";

/** How the body is framed (RFC 9112 §6): its length, in chunks, or not there. */
export type RequestFraming = number | "chunked" | "none";

export interface RequestHead {
  method: string;
  url: URL;
  fields: FieldList;
}

/**
 * A character for each byte, up to and with the blank line. Host and framing are its own, whatever `fields` hold.
 *
 * @throws TypeError for what can't stand there; it holds no value
 */
export function printRequestHead({ method, url, fields }: RequestHead, framing: RequestFraming): string {
  if (!token.test(method)) throw new TypeError("not a method");
  if (withOtherFraming.has(method)) throw new TypeError(`${method} is not asked of anybody`);
  const { target, host } = addressOf(url);
  const text = [method, " ", target, " HTTP/1.1\r\nhost: ", host, "\r\n"];
  const { parts } = fields;
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i]!;
    const value = parts[i + 1]!;
    if (name === "host" || name === "content-length" || name === "transfer-encoding" || name === "connection") continue;
    if (!isName(name) || !fieldValue.test(value)) {
      throw new TypeError(`${JSON.stringify(name)} can't be sent in a header`);
    }
    text.push(name, ": ", value, "\r\n");
  }
  if (framing === "chunked") text.push("transfer-encoding: chunked\r\n");
  else if (framing !== "none") text.push("content-length: ", String(framing), "\r\n");
  text.push("\r\n");
  return text.join("");
}

interface Address {
  /** For the first line. */
  target: string;
  /** With a port that is not the usual one. */
  host: string;
}

/** Most requests have the same URL object, which nobody changes, and each look at a URL makes a string. */
const addresses = new WeakMap<URL, Address>();

/** A URL prints neither spaces nor control characters, and none beyond ASCII. @throws TypeError */
export function addressOf(url: URL): Address {
  let address = addresses.get(url);
  if (address === undefined) {
    if (url.protocol !== "http:") throw new TypeError("not an http: URL"); // of others a path may hold anything
    addresses.set(url, address = { target: url.pathname + url.search, host: url.host });
  }
  return address;
}

/** The framing of their answers is another one (RFC 9112 §6.3), and TRACE would send the credential back. */
const withOtherFraming = new Set(["HEAD", "CONNECT", "TRACE"]);

const knownNames = new Set<string>();

function isName(name: string): boolean {
  if (knownNames.has(name)) return true;
  if (!token.test(name)) return false;
  if (knownNames.size < 500 && name.length < 64) knownNames.add(name);
  return true;
}

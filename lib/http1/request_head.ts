// Writes the head of a request (RFC 9112 §3, §5). Last line of defence: nothing that ends a line gets past this file.
import type { Fields } from "./field_list.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** How the body is framed (RFC 9112 §6): its length, in chunks, or not there. */
export type RequestFraming = number | "chunked" | "none";

export interface RequestHead {
  method: string;
  url: URL;
  fields: Fields;
}

/**
 * A character for each byte, up to and with the blank line. Host and framing are its own, whatever `fields` hold.
 *
 * @throws TypeError for what can't stand there; it holds no value
 */
export function printRequestHead({ method, url, fields }: RequestHead, framing: RequestFraming): string {
  if (!token.test(method)) throw new TypeError("not a method");
  if (withOtherFraming.has(method)) throw new TypeError(`${method} is not asked of anybody`);
  if (url.protocol !== "http:") throw new TypeError("not an http: URL"); // of others a path may hold anything
  let text = `${targetOf(method, url)}\r\nhost: ${url.host}\r\n`;
  fields.forEach((value, name) => {
    if (name === "host" || name === "content-length" || name === "transfer-encoding" || name === "connection") return;
    if (!isName(name) || !fieldValue.test(value)) {
      throw new TypeError(`${JSON.stringify(name)} can't be sent in a header`);
    }
    text += `${name}: ${value}\r\n`;
  });
  if (framing === "chunked") text += "transfer-encoding: chunked\r\n";
  else if (framing !== "none") text += `content-length: ${framing}\r\n`;
  return `${text}\r\n`;
}

/** A URL prints neither spaces nor control characters, and no characters beyond ASCII. */
function targetOf(method: string, { pathname, search }: URL): string {
  return `${method} ${pathname}${search} HTTP/1.1`;
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

// Reads the head of a response (RFC 9112 §4, §5, §6), and refuses whatever two readers could take for two things.
import { FieldList } from "./field_list.ts";
import { token } from "./grammar.ts";
import { malformed } from "./http1_error.ts";

/** How the body ends: after so many bytes, with its last chunk, or with the connection (RFC 9112 §6.3). */
export type Framing = number | "chunked" | "close";

export interface ResponseHead {
  status: number;
  fields: FieldList;
  framing: Framing;
  /** The connection may carry another request afterwards (RFC 9112 §9.3). */
  keepsConnection: boolean;
}

/** Also a CR or a LF that is half of a line end, by which two readers could see two lines or one (RFC 9112 §2.2). */
// deno-lint-ignore no-control-regex
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

/**
 * @param text up to the blank line, without it; a character for each byte
 * @throws Http1Error
 */
export function parseResponseHead(text: string): ResponseHead {
  if (forbidden.test(text)) throw malformed("a control character in the head");
  const lineEnd = endOfLine(text, 0);
  const status = parseStatus(text, lineEnd);
  const fields = parseFields(text, lineEnd + 2);
  const isLatest = text[7] === "1";
  const framing = framingOf(status, fields, isLatest);
  const keepsConnection = isLatest && framing !== "close" && !endsConnection(fields) && !mayHaveMore(status, fields);
  return { status, fields, framing, keepsConnection };
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\r\n", start);
  return end < 0 ? text.length : end;
}

/** Of `HTTP/1.1 200 OK`, with or without a reason (RFC 9112 §4). @throws Http1Error */
function parseStatus(text: string, lineEnd: number): number {
  const status = digitAt(text, 9) * 100 + digitAt(text, 10) * 10 + digitAt(text, 11);
  const isWhole = lineEnd === 12 || (lineEnd > 12 && text[12] === " ");
  const isKnown = (text.startsWith("HTTP/1.1 ") || text.startsWith("HTTP/1.0 ")) && isWhole;
  if (!isKnown || !(status >= 100)) throw malformed("no status line of HTTP/1.0 or 1.1");
  return status;
}

/** NaN where there is none. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  return digit >= 0 && digit <= 9 ? digit : NaN;
}

/** @throws Http1Error, also for a line that continues the one before (RFC 9112 §5.2) */
function parseFields(text: string, from: number): FieldList {
  const parts: string[] = [];
  for (let start = from, end; start < text.length; start = end + 2) {
    end = endOfLine(text, start);
    const colon = text.indexOf(":", start);
    let nameEnd = Math.min(colon, end);
    // RFC 9112 §5.1: a proxy removes whitespace before the colon.
    while (nameEnd > start && isBlank(text, nameEnd - 1)) nameEnd--;
    const name = colon < 0 || colon > end ? undefined : nameOf(text.slice(start, nameEnd));
    if (name === undefined) throw malformed("a header line without a name");
    let valueStart = colon + 1;
    let valueEnd = end;
    while (valueStart < valueEnd && isBlank(text, valueStart)) valueStart++;
    while (valueEnd > valueStart && isBlank(text, valueEnd - 1)) valueEnd--;
    parts.push(name, text.slice(valueStart, valueEnd));
  }
  return new FieldList(parts);
}

/** OWS (RFC 9110 §5.6.3). */
function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || code === 9;
}

/** By its options, or because its framing said two things, of which somebody else may believe the other (RFC 9112 §6.3). */
function endsConnection(fields: FieldList): boolean {
  if (fields.has("transfer-encoding") && fields.has("content-length")) return true;
  const options = fields.get("connection");
  return options !== null && options !== "keep-alive" &&
    options.toLowerCase().split(",").some((option) => option.trim() === "close");
}

/** It announces a body that an answer of its status never has; what a server then sends would be the next request's answer. */
function mayHaveMore(status: number, fields: FieldList): boolean {
  if (status !== 204 && status !== 304) return false;
  // A 304 names the length that a 200 would have had (RFC 9110 §8.6).
  return fields.has("transfer-encoding") || (status === 204 && (fields.get("content-length") ?? "0") !== "0");
}

/** Few names make up nearly all, so these are judged once. */
const knownNames = new Map<string, string>();

/** In lower case; undefined for what is none. */
function nameOf(name: string): string | undefined {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (!token.test(name)) return undefined;
  const lower = name.toLowerCase();
  if (knownNames.size < 500 && name.length < 64) knownNames.set(name, lower);
  return lower;
}

/** RFC 9112 §6.3. @throws Http1Error */
function framingOf(status: number, fields: FieldList, isLatest: boolean): Framing {
  if (status < 200 || status === 204 || status === 304) return 0;
  const coding = fields.get("transfer-encoding");
  if (coding !== null) {
    // RFC 9112 §6.1: HTTP/1.0 has none, so whoever wrote it did not mean it for us. Others than chunked are not understood.
    if (!isLatest || coding.toLowerCase() !== "chunked") throw malformed("a transfer coding other than chunked");
    return "chunked";
  }
  const length = fields.get("content-length");
  if (length === null) return "close";
  if (!/^\d{1,15}$/.test(length)) throw malformed("a Content-Length that is no number");
  return Number(length);
}

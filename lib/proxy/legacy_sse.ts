// Legacy HTTP+SSE (MCP 2024-11-05): the first event of a GET stream is `endpoint`, whose data is the URL that takes the
// messages. Behind us that URL has to lead through us.
import type { StreamEdit } from "./sse_stream.ts";

/** The downstream named a message endpoint that clients must not be sent to. */
export class EndpointRefusedError extends Error {
  override readonly name = "EndpointRefusedError";
}

/** An `endpoint` event is short; what is longer is something else and goes on as it is. */
const longestEventBytes = 65_536;

/** A blank line, in every way that a stream may write one (HTML §9.2.5). */
const blankLine = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)/;

/**
 * An edit that replaces the data of the stream's first event, if that is `endpoint`; everything else stays byte for byte.
 *
 * @param rewrite the data as sent -> the data to send instead; may throw EndpointRefusedError
 */
export function rewriteEndpointEvent(rewrite: (endpoint: string) => string): StreamEdit {
  return new EndpointEdit(rewrite);
}

/** A class, because thousands are open at a time. */
class EndpointEdit implements StreamEdit {
  readonly #rewrite: (endpoint: string) => string;
  /** One character for each byte. Undefined once the first event has gone by. */
  #pending: string | undefined = "";

  constructor(rewrite: (endpoint: string) => string) {
    this.#rewrite = rewrite;
  }

  push(chunk: Uint8Array): Uint8Array {
    if (this.#pending === undefined) return chunk;
    let pending = this.#pending + latin1(chunk);
    let out = "";
    for (;;) {
      const blank = /^[\r\n]+/.exec(pending)?.[0] ?? "";
      out += blank;
      pending = pending.slice(blank.length);
      const end = blankLine.exec(pending);
      if (end === null || shortestEnd(end) > longestEventBytes) break;
      const event = pending.slice(0, end.index + end[0].length);
      pending = pending.slice(event.length);
      out += rewriteEvent(event, this.#rewrite);
      if (!hasData(event)) continue; // a comment: nothing is dispatched yet
      this.#pending = undefined;
      return bytes(out + pending);
    }
    this.#pending = pending;
    return pending.length > longestEventBytes ? bytes(out + this.#rest()) : bytes(out);
  }

  end(): Uint8Array {
    return bytes(this.#rest());
  }

  /** What was held back. */
  #rest(): string {
    const rest = this.#pending ?? "";
    this.#pending = undefined;
    return rest;
  }
}

/**
 * The URL that an `endpoint` event names, seen from the downstream's own URL.
 *
 * @throws EndpointRefusedError when it is on another origin: the credential would go there
 */
export function resolveEndpoint(endpoint: string, downstreamUrl: string): URL {
  const url = URL.canParse(endpoint, downstreamUrl) ? new URL(endpoint, downstreamUrl) : undefined;
  if (url?.origin !== new URL(downstreamUrl).origin || url.username !== "" || url.password !== "") {
    throw new EndpointRefusedError("the MCP server named a message endpoint on another origin");
  }
  url.hash = "";
  return url;
}

/** Length up to the end of the blank line, where a CR counts without the LF that may only arrive later. */
function shortestEnd(end: RegExpExecArray): number {
  return end.index + (end[0].startsWith("\r\n") ? 2 : 1) + 1;
}

function rewriteEvent(event: string, rewrite: (endpoint: string) => string): string {
  if (valuesOf(event, "event").at(-1) !== "endpoint" || !hasData(event)) return event;
  const endpoint = Buffer.from(valuesOf(event, "data").join("\n"), "latin1").toString("utf8");
  const data = `data: ${Buffer.from(rewrite(endpoint)).toString("latin1")}`;
  let isFirst = true;
  return event.replace(/^data(?::[^\r\n]*)?(\r\n|\n|\r)/gm, (_line, lineEnd: string) => {
    // The others become comments: without them a CR before and a LF behind would be one line end.
    const line = isFirst ? data : ":";
    isFirst = false;
    return line + lineEnd;
  });
}

function hasData(event: string): boolean {
  return valuesOf(event, "data").length > 0;
}

/** One leading space of a value does not count (HTML §9.2.6). */
function valuesOf(event: string, field: string): string[] {
  return event.split(/\r\n|\n|\r/)
    .filter((line) => line === field || line.startsWith(`${field}:`))
    .map((line) => line.slice(field.length + 1).replace(/^ /, ""));
}

function latin1(chunk: Uint8Array): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

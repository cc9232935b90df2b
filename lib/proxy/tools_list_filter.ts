// A user without a tool's scope does not see the tool: `tools/list` answers lose it, in JSON and inside SSE frames. A list is
// known by its shape, because on a resumed stream nobody can tell which request it answers.
import { allowedTools, type ToolScope } from "../oauth/tool_scope.ts";
import { parseLosslessly } from "./lossless_json.ts";
import { createLineReader } from "../http/sse_lines.ts";

export interface ToolFilter {
  toolScopes: readonly ToolScope[];
  granted: readonly string[];
  /** An event or a body beyond this ends the answer: what can't be looked at is not passed on. */
  maxBytes: number;
}

/**
 * The message without the tools that the granted scopes do not open; the same text when it holds no list.
 *
 * @throws SyntaxError for anything but JSON; RangeError when it is nested too deeply
 */
export function filterMessage(text: string, { toolScopes, granted }: ToolFilter): string {
  // Without the word, written plainly or escaped, there is no such member; most messages of a stream end here.
  if (!/tools|\\u/.test(text)) return text;
  const message = parseLosslessly(text) as { result?: { tools?: unknown } } | null;
  const messages = Array.isArray(message) ? message : [message];
  const allowed = allowedTools(toolScopes, granted);
  let changed = false;
  for (const { result } of messages.filter((each) => typeof each === "object" && each !== null)) {
    if (!Array.isArray(result?.tools)) continue;
    result.tools = result.tools.filter((tool: { name?: unknown } | null) =>
      typeof tool?.name === "string" && allowed.has(tool.name)
    );
    changed = true;
  }
  return changed ? JSON.stringify(message) : text;
}

/**
 * Filters the data of each event of a stream. Lines that hold no data go through at once, data when its event is complete, and
 * as it came unless a list in it lost a tool. Every line then ends with LF: a CR and a LF of two lines must not become one end.
 */
export function filterEventStream(filter: ToolFilter): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const encoder = new TextEncoder();
  const lines = createLineReader();
  let event: string[] = [];
  let eventLength = 0;
  let isFirst = true;

  /** Whoever reads after us drops a byte order mark, so none may stand before a field that was looked at with it. */
  function withoutMarks(line: string): string {
    const plain = isFirst ? line.replace(/^\uFEFF+/, "") : line;
    isFirst = false;
    return plain;
  }

  /** The lines that may be passed on now that this one is there. */
  function take(read: string): string[] {
    const line = withoutMarks(read);
    if (line === "") {
      const whole = [...filterEvent(event, filter), line];
      event = [];
      eventLength = 0;
      return whole;
    }
    if (event.length === 0 && !isData(line)) return [line];
    event.push(line);
    eventLength += line.length;
    return [];
  }

  return new TransformStream({
    transform(chunk, controller) {
      const passed = lines.push(decoder.decode(chunk, { stream: true })).flatMap(take);
      if (eventLength + lines.pendingLength() > filter.maxBytes) {
        throw new RangeError(`an event is larger than ${filter.maxBytes} bytes`);
      }
      if (passed.length > 0) controller.enqueue(encoder.encode(`${passed.join("\n")}\n`));
    },
    flush(controller) {
      // An event that was not finished is never dispatched by a client (HTML §9.2.6); it still isn't passed on unseen.
      const last = withoutMarks(lines.end() + decoder.decode());
      const rest = filterEvent([...event, last], filter).join("\n");
      if (rest !== "") controller.enqueue(encoder.encode(rest));
    },
  });
}

/** The lines of one event, with other data where a list in it lost a tool. @throws RangeError when it is nested too deeply */
function filterEvent(event: readonly string[], filter: ToolFilter): readonly string[] {
  const data = event.filter(isData).map((line) => line.slice(5).replace(/^ /, "")).join("\n");
  const filtered = filterData(data, filter);
  return filtered === data ? event : [...event.filter((line) => !isData(line)), `data: ${filtered}`];
}

function filterData(data: string, filter: ToolFilter): string {
  try {
    return filterMessage(data, filter);
  } catch (error) {
    if (error instanceof SyntaxError) return data; // not JSON: no MCP message, so no tools in it either
    throw error;
  }
}

function isData(line: string): boolean {
  return line === "data" || line.startsWith("data:");
}

// A user without a tool's scope does not see the tool: `tools/list` answers lose it, in JSON and inside SSE frames. A list is
// known by its shape, because on a resumed stream nobody can tell which request it answers.
import { isToolAllowed, type ToolScope } from "../oauth/tool_scope.ts";

export interface ToolFilter {
  toolScopes: readonly ToolScope[];
  granted: readonly string[];
  /** An event or a body beyond this ends the answer: what can't be looked at is not passed on. */
  maxBytes: number;
}

/** The message without the tools that the granted scopes do not open; the same text when it is no list. */
export function filterMessage(text: string, { toolScopes, granted }: ToolFilter): string {
  const message = JSON.parse(text) as { result?: { tools?: unknown } } | null;
  const messages = Array.isArray(message) ? message : [message];
  let changed = false;
  for (const { result } of messages.filter((each) => typeof each === "object" && each !== null)) {
    if (!Array.isArray(result?.tools)) continue;
    result.tools = result.tools.filter((tool: { name?: unknown } | null) =>
      typeof tool?.name === "string" && isToolAllowed(toolScopes, granted, tool.name)
    );
    changed = true;
  }
  return changed ? JSON.stringify(message) : text;
}

/** Filters a JSON answer, once it is there whole. */
export function filterJson(filter: ToolFilter): TransformStream<Uint8Array, Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return new TransformStream({
    transform(chunk) {
      size += chunk.length;
      if (size > filter.maxBytes) throw new RangeError(`the answer is larger than ${filter.maxBytes} bytes`);
      chunks.push(chunk);
    },
    flush(controller) {
      const text = Buffer.concat(chunks).toString("utf8");
      if (text !== "") controller.enqueue(new TextEncoder().encode(filterMessage(text, filter)));
    },
  });
}

/** Filters the data of each event of a stream; everything else goes through as it came, event by event. */
export function filterEventStream(filter: ToolFilter): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let pending = "";
  const enqueue = (event: string, controller: TransformStreamDefaultController<Uint8Array>) =>
    controller.enqueue(encoder.encode(filterEvent(event, filter)));
  return new TransformStream({
    transform(chunk, controller) {
      pending += decoder.decode(chunk, { stream: true });
      const events = pending.split(/(?<=\r\n\r\n|\n\n|\r\r(?!\n))/);
      pending = events.pop()!;
      if (/(\r\n\r\n|\n\n)$/.test(pending)) {
        events.push(pending);
        pending = "";
      }
      if (pending.length > filter.maxBytes) throw new RangeError(`an event is larger than ${filter.maxBytes} bytes`);
      for (const event of events) enqueue(event, controller);
    },
    flush(controller) {
      // An event that was not finished is never dispatched by a client (HTML §9.2.6); it still isn't passed on unseen.
      if (pending !== "") enqueue(pending, controller);
    },
  });
}

function filterEvent(event: string, filter: ToolFilter): string {
  const lines = event.split(/\r\n|\n|\r/);
  const data = lines.filter((line) => line === "data" || line.startsWith("data:")).map((line) =>
    line.slice(5).replace(/^ /, "")
  );
  if (data.length === 0) return event;
  const text = data.join("\n");
  let filtered: string;
  try {
    filtered = filterMessage(text, filter);
  } catch {
    return event; // not JSON: no MCP message, so no tools in it either
  }
  if (filtered === text) return event;
  const others = lines.filter((line) => line !== "" && line !== "data" && !line.startsWith("data:"));
  return [...others, `data: ${filtered}`, "", ""].join("\n");
}

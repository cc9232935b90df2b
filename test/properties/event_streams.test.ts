// Event streams through the proxy: what a client reads does not depend on where the network cut them, and is what the reference says.
import assert from "node:assert/strict";
import fc from "fast-check";
import { createLineReader } from "../../lib/http/sse_lines.ts";
import type { ToolScope } from "../../lib/oauth/tool_scope.ts";
import { rewriteEndpointEvent } from "../../lib/proxy/legacy_sse.ts";
import { sseStream } from "../../lib/proxy/sse_stream.ts";
import { filterEventStream } from "../../lib/proxy/tools_list_filter.ts";
import { cutInto, oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const toolScopes: ToolScope[] = [{ name: "read", description: "", tools: ["search", "größe"] }];
const filter = { toolScopes, granted: ["read"], maxBytes: 1_000_000 };
const rewrite = (endpoint: string) => `/mcp/ours?was=${encodeURIComponent(endpoint.toWellFormed())}`;

const list = JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  result: { tools: [{ name: "delete" }, { name: "search" }, { name: "größe" }] },
});
const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const word = oddText.map((text) => text.replace(/[\r\n]/g, "").toWellFormed());
const line = fc.oneof(
  fc.constantFrom(
    `data: ${list}`,
    `data:${list}`,
    "data",
    "data:",
    "event: endpoint",
    "event:endpoint",
    "event: message",
    "event",
    "id: 7",
    "retry: 5",
  ),
  fc.constantFrom(
    ": comment",
    ":",
    "data : no field",
    " data: no field",
    "Data: no field",
    "event: endpoint ",
    "data: /messages?s=1",
    "\uFEFF",
  ),
  word.map((text) => `data: ${text}`),
  word,
);
/** Lines with whatever ends, blank ones often, and sometimes one that is not ended. */
const stream = fc.tuple(
  fc.constantFrom("", "", "\uFEFF", "\uFEFF\uFEFF"),
  fc.array(fc.tuple(fc.oneof({ weight: 3, arbitrary: line }, { weight: 2, arbitrary: fc.constant("") }), lineEnd), {
    maxLength: 14,
  }),
  fc.oneof(fc.constant(""), line),
).map(([mark, lines, rest]) => mark + lines.flat().join("") + rest);
const sizes = fc.array(fc.nat(12), { maxLength: 5 });

interface Event {
  type: string;
  data: string;
  id: string | undefined;
  retry: string | undefined;
}

/** HTML §9.2.6, from bytes that are all there. */
function read(bytes: Uint8Array): Event[] {
  const events: Event[] = [];
  let fields = new Map<string, string[]>();
  const lines = new TextDecoder().decode(bytes).replaceAll("\r\n", "\n").replaceAll("\r", "\n").split("\n").slice(
    0,
    -1,
  );
  for (const each of lines) {
    if (each === "") {
      const [data, type] = [fields.get("data"), fields.get("event")?.at(-1) ?? ""];
      if (data !== undefined) {
        events.push({ type, data: data.join("\n"), id: fields.get("id")?.at(-1), retry: fields.get("retry")?.at(-1) });
      }
      fields = new Map();
      continue;
    }
    const colon = each.indexOf(":");
    const name = colon === -1 ? each : each.slice(0, colon);
    const value = colon === -1 ? "" : each.slice(colon + 1).replace(/^ /, "");
    if (name !== "") fields.set(name, [...fields.get(name) ?? [], value]);
  }
  return events;
}

const expectRewritten = (events: Event[]): Event[] =>
  events.map((event, index) =>
    index === 0 && event.type === "endpoint" ? { ...event, data: rewrite(event.data) } : event
  );
const expectFiltered = (events: Event[]): Event[] =>
  events.map((event) =>
    event.data.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "") === list
      ? { ...event, data: list.replace('{"name":"delete"},', "") }
      : event
  );

function push(parts: readonly Uint8Array[]): Uint8Array {
  const edit = rewriteEndpointEvent(rewrite);
  return Buffer.concat([...parts.map((part) => Buffer.from(edit.push(part))), edit.end()]);
}

const exchange = { count: () => {}, end: () => {} };

async function pump(
  parts: readonly Uint8Array[],
  { filtered, edited }: { filtered: boolean; edited: boolean },
): Promise<Uint8Array> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
  const passed = filtered ? source.pipeThrough(filterEventStream(filter)) : source;
  const edit = edited ? rewriteEndpointEvent(rewrite) : undefined;
  return await new Response(sseStream(passed.getReader(), { keepaliveMs: 0, edit, exchange })).bytes();
}

/** As the proxy leaves them to the client, which drops one mark itself. */
const withoutMarks = (text: string) => Buffer.from(text.replace(/^\uFEFF+/, ""));

property(
  "S1-47: a legacy stream comes out the same however it was cut, and only the data of the first event is another",
  {
    runs: 250,
    of: [stream, sizes],
  },
  (text, cuts) => {
    const bytes = withoutMarks(text);
    const whole = push([bytes]);
    assert.deepEqual(Buffer.from(push(cutInto(bytes, cuts))).toString(), Buffer.from(whole).toString());
    assert.deepEqual(read(whole), expectRewritten(read(bytes)));
  },
);

property("S1-47: around 64 KiB, where an event is too long to be an endpoint, the cuts decide nothing either", {
  runs: 40,
  of: [
    fc.integer({ min: -4, max: 4 }),
    lineEnd,
    lineEnd,
    fc.integer({ min: 0, max: 8 }),
    fc.integer({ min: 1, max: 3 }),
  ],
}, (more, first, second, before, step) => {
  if (first === "\r" && second.startsWith("\n")) return;
  const padding = (length: number) => `: ${"x".repeat(length)}`;
  const head = `event: endpoint${first}data: /m${first}`;
  const text = `${head}${padding(65_536 + more - head.length - 2)}${first}${second}data: x\n\n`;
  const bytes = Buffer.from(text);
  const small = Array.from({ length: 24 }, () => step);
  const cut = [bytes.subarray(0, 65_536 - before), ...cutInto(bytes.subarray(65_536 - before), small)];
  assert.equal(Buffer.from(push(cut)).toString().slice(0, 60), Buffer.from(push([bytes])).toString().slice(0, 60));
});

property(
  "S2: tools that no scope opens are gone from every event, and everything else is there, however the stream was cut",
  {
    runs: 200,
    of: [stream, sizes],
  },
  async (text, cuts) => {
    const bytes = Buffer.from(text);
    const out = await pump(cutInto(bytes, cuts), { filtered: true, edited: false });
    assert.deepEqual(read(out), expectFiltered(read(withoutMarks(text))));
    assert.deepEqual(
      Buffer.from(await pump([bytes], { filtered: true, edited: false })).toString(),
      Buffer.from(out).toString(),
    );
  },
);

property("S1-47: a stream through the whole proxy, filtered, edited or as it is, is the same however it was cut", {
  runs: 150,
  of: [stream, sizes, fc.boolean(), fc.boolean()],
}, async (text, cuts, filtered, edited) => {
  const bytes = Buffer.from(text);
  const out = await pump(cutInto(bytes, cuts), { filtered, edited });
  assert.equal(Buffer.from(out).toString(), Buffer.from(await pump([bytes], { filtered, edited })).toString());
  const seen = read(withoutMarks(text));
  const after = filtered ? expectFiltered(seen) : seen;
  assert.deepEqual(read(out), edited ? expectRewritten(after) : after);
});

property("lines are the same however the text was cut", {
  runs: 150,
  of: [stream, sizes],
}, (text, cuts) => {
  const reader = createLineReader();
  const lines: string[] = [];
  let rest = text;
  for (let index = 0; rest !== ""; index++) {
    const size = cuts.length === 0 ? rest.length : Math.max(1, cuts[index % cuts.length]!);
    lines.push(...reader.push(rest.slice(0, size)));
    rest = rest.slice(size);
  }
  assert.deepEqual([...lines, reader.end()], text.replaceAll("\r\n", "\n").replaceAll("\r", "\n").split("\n"));
});

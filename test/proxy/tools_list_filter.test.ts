import assert from "node:assert/strict";
import { test } from "node:test";
import type { ToolScope } from "../../lib/oauth/tool_scope.ts";
import { filterEventStream, filterMessage, type ToolFilter } from "../../lib/proxy/tools_list_filter.ts";
import { readEvents, seededRandom } from "../support/event_stream.ts";

const toolScopes: ToolScope[] = [
  { name: "read", description: "", tools: ["search", "Größe"] },
  { name: "write", description: "", tools: ["delete"] },
];
const filter: ToolFilter = { toolScopes, granted: ["read"], maxBytes: 100_000 };

const list = (...names: unknown[]) => ({ jsonrpc: "2.0", id: 1, result: { tools: names.map((name) => ({ name })) } });
const filtered = (message: unknown) => JSON.parse(filterMessage(JSON.stringify(message), filter));

test("tools/list answers lose the tools that no granted scope opens, and tools without a proper name", () => {
  assert.deepEqual(filtered(list("search", "delete", "other", "Größe", 7, null, "SEARCH")), list("search", "Größe"));
  assert.deepEqual(filtered({ id: 1, result: { tools: [null, "search", {}] } }), { id: 1, result: { tools: [] } });
});

test("lists inside a JSON-RPC batch are filtered too (2025-03-26)", () => {
  assert.deepEqual(filtered([list("delete"), { id: 2, result: {} }, null, 3, list("search")]), [
    list(),
    { id: 2, result: {} },
    null,
    3,
    list("search"),
  ]);
});

test("everything beside the tools survives: cursor, scopes, schemas and numbers as they were written", () => {
  const text = '{"id":1,"result":{"_meta":{"scopes":[1.0]},"nextCursor":"x","tools":[{"name":"delete"},' +
    '{"name":"search","inputSchema":{"maximum":12345678901234567890,"minimum":-1e400}}]}}';
  assert.equal(filterMessage(text, filter), text.replace('{"name":"delete"},', ""));
});

test("what is no list stays the very same text", () => {
  const texts = [
    '{"id":1, "result": {"tools": {"a": 1}, "n": 1.0}}',
    '{"id":1,"result":{"content":[{"type":"text","text":"tools delete"}]}}',
    '{"method":"sampling/createMessage","params":{"tools":[{"name":"delete"}]}}',
    '{"id":1,"error":{"tools":[{"name":"delete"}]}}',
    "null",
    '"tools"',
    "[]",
  ];
  for (const text of texts) assert.equal(filterMessage(text, filter), text);
});

test("an escaped member name is the same member", () => {
  assert.equal(
    filterMessage('{"id":1,"r\\u0065sult":{"\\u0074ools":[{"name":"delete"}]}}', filter),
    '{"id":1,"result":{"tools":[]}}',
  );
});

test("byte order marks hide no list: the client drops one, and so may whoever stands in between", async () => {
  for (const marks of ["\uFEFF", "\uFEFF\uFEFF", "\uFEFF\uFEFF\uFEFF"]) {
    const passed = await throughFilter([bytes(`${marks}data: ${JSON.stringify(list("delete"))}\n\n`)]);
    assert.equal(passed, `data: ${JSON.stringify(list())}\n\n`);
  }
});

/** All bytes through the filter in the given pieces. */
async function throughFilter(pieces: readonly Uint8Array[], options: ToolFilter = filter): Promise<string> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return await new Response(source.pipeThrough(filterEventStream(options))).text();
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("an event loses its tools, and keeps its id, its type and its neighbours", async () => {
  const text = `: hello\n\nid: 7\nevent: message\nretry: 10\ndata: ${JSON.stringify(list("delete", "search"))}\n\n` +
    "data: tools are no JSON here\n\n: bye\n";
  assert.equal(
    await throughFilter([bytes(text)]),
    text.replace('{"name":"delete"},', ""),
  );
});

test("property: however events are written and wherever they are cut, the same events come out without the tools", async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed);
    const { text, expected } = randomStream(random);
    const passed = await throughFilter(cut(bytes(text), random));
    assert.deepEqual(
      readEvents(passed),
      expected,
      `seed ${seed}: ${JSON.stringify(text)} became ${JSON.stringify(passed)}`,
    );
    assert.doesNotMatch(passed, /delete/, `seed ${seed}`);
  }
});

interface Random {
  (below: number): number;
}

/** Events in every spelling that HTML §9.2.6 allows, and what a client has to read from them after the filter. */
function randomStream(random: Random): { text: string; expected: ReturnType<typeof readEvents> } {
  const pick = <T>(...choices: T[]): T => choices[random(choices.length)]!;
  let text = random(4) === 0 ? "\uFEFF" : "";
  const expected: ReturnType<typeof readEvents> = [];
  const lineEnd = () => pick("\n", "\r\n", "\r");
  /** A lone CR before a LF of the next line would be one line end, so this one keeps them apart. */
  const line = (content: string) => {
    const isEmptyAfterReturn = content === "" && text.endsWith("\r");
    text += content + (isEmptyAfterReturn ? pick("\r", "\r\n") : lineEnd());
  };
  for (let event = random(6); event >= 0; event--) {
    const hasList = random(2) === 0;
    const message = hasList
      ? list("search", "delete", "Größe")
      : pick<unknown>({ id: 2, result: { ünï: "cödé 😀" } }, "", 5);
    const json = JSON.stringify(message, null, random(3) === 0 ? 2 : 0);
    const type = pick(undefined, "message", "endpoint");
    if (random(3) === 0) line(`: comment ${pick("tools", "é")}`);
    if (type !== undefined) line(`event:${pick("", " ")}${type}`);
    for (const part of json.split("\n")) line(`data:${pick("", " ")}${part.startsWith(" ") ? part.slice(1) : part}`);
    if (random(3) === 0) line("id: 1");
    if (random(4) === 0) line("retry: 5");
    line("");
    expected.push({ type: type ?? "message", data: hasList ? list("search", "Größe") : message });
  }
  if (random(3) === 0) text += `data: ${JSON.stringify(list("delete"))}`;
  return { text, expected };
}

/** In pieces of one to many bytes, so also inside of CRLF and of characters; some pieces are empty. */
function cut(whole: Uint8Array, random: Random): Uint8Array[] {
  const largest = [1, 2, 3, 17, 200][random(5)]!;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < whole.length;) {
    const size = random(largest + 1);
    pieces.push(whole.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

test("a list at the end of the stream is filtered although its event was never finished", async () => {
  for (const end of ["", "\n", "\r"]) {
    const passed = await throughFilter([bytes(`data: ${JSON.stringify(list("delete", "search"))}${end}`)]);
    assert.match(passed, /search/);
    assert.doesNotMatch(passed, /delete/);
  }
});

test("lines without data go through before their event is complete, data only after", async () => {
  const stream = filterEventStream(filter);
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  const next = async () => new TextDecoder().decode((await reader.read()).value);
  void writer.write(bytes(": ping\nid: 1\ndata: 1"));
  assert.equal(await next(), ": ping\nid: 1\n");
  void writer.write(bytes("\n\n"));
  assert.equal(await next(), "data: 1\n\n");
  void writer.close();
  assert.equal((await reader.read()).done, true);
});

test("an event beyond the limit ends the stream, in one line or in many", async () => {
  const small = { ...filter, maxBytes: 1000 };
  await assert.rejects(throughFilter([bytes("data: "), bytes("x".repeat(1001))], small), RangeError);
  const lines = Array.from({ length: 200 }, () => bytes("data: 0123456789\n"));
  await assert.rejects(throughFilter(lines, small), RangeError);
  const events = Array.from({ length: 200 }, () => bytes("data: 0123456789\n\n"));
  assert.equal((await throughFilter(events, small)).length, 200 * 18);
});

test("an event that is nested too deeply to be looked at ends the stream", async () => {
  const deep = `{"id":1,"result":{"tools":[{"name":"delete","x":${"[".repeat(20_000)}${"]".repeat(20_000)}}]}}`;
  await assert.rejects(throughFilter([bytes(`data: ${deep}\n\n`)]), RangeError);
});

// Keepalive comments in an event stream: never inside a line, never an event that was not sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sseStream, type SseStreamOptions } from "../../lib/proxy/sse_stream.ts";

interface Rig {
  send(text: string): void;
  end(): void;
  fail(error: Error): void;
  /** The next chunk as text; undefined at the end. */
  read(): Promise<string | undefined>;
  cancel(): Promise<void>;
  sourceCancelled: Promise<unknown>;
  ended: Promise<void>;
}

function rig(options: Partial<SseStreamOptions> = {}): Rig {
  const cancelled = Promise.withResolvers<unknown>();
  const ended = Promise.withResolvers<void>();
  let source: ReadableStreamDefaultController<Uint8Array>;
  const stream = sseStream(
    new ReadableStream({ start: (controller) => void (source = controller), cancel: cancelled.resolve }).getReader(),
    { keepaliveMs: 0, exchange: { count: () => {}, end: () => ended.resolve() }, ...options },
  );
  const reader = stream.getReader();
  return {
    send: (text) => source.enqueue(Buffer.from(text, "latin1")),
    end: () => source.close(),
    fail: (error) => source.error(error),
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : Buffer.from(value).toString("latin1");
    },
    cancel: () => reader.cancel(),
    sourceCancelled: cancelled.promise,
    ended: ended.promise,
  };
}

test("a comment comes at once, another after each quiet while, none after the end", async () => {
  const { read, send, end, ended } = rig({ keepaliveMs: 10 });
  assert.equal(await read(), ": keepalive\n\n");
  assert.equal(await read(), ": keepalive\n\n");
  send("data: 1\n\n");
  assert.equal(await read(), "data: 1\n\n");
  assert.equal(await read(), ": keepalive\n\n");
  end();
  assert.equal(await read(), undefined);
  await ended;
});

test("keepalive 0: one comment where nothing comes at first, because Bun would hold the head of the answer back", async () => {
  const { read, send, end } = rig();
  assert.equal(await read(), ": keepalive\n\n");
  send("data: 1\n\n");
  assert.equal(await read(), "data: 1\n\n");
  end();
  assert.equal(await read(), undefined);
});

test("keepalive 0: a stream that speaks stays byte for byte as it is", async () => {
  const { read, send, end } = rig();
  send("data: 1\n\n");
  assert.equal(await read(), "data: 1\n\n");
  end();
  assert.equal(await read(), undefined);
});

for (
  const [position, sent, next] of [
    ["after a whole event", "data: 1\n\n", ": keepalive\n\n"],
    ["after a whole event with CRLF", "data: 1\r\n\r\n", ": keepalive\n\n"],
    ["after a line inside an event: no blank line, which would end it", "data: 1\n", ": keepalive\n"],
    ["after a line inside an event with CRLF", "data: 1\r\n", ": keepalive\n"],
    ["inside a line", "data: 1", undefined],
    ["between CR and LF", "data: 1\r", undefined],
  ] as const
) {
  test(`a quiet stream ${position}`, async () => {
    for (const byteByByte of [false, true]) {
      const { read, send, end } = rig({ keepaliveMs: 10 });
      await read();
      let received = "";
      for (const piece of byteByByte ? sent : [sent]) {
        send(piece);
        received += await read();
      }
      if (next === undefined) {
        // Nothing may come however long it is quiet: wait for several intervals of a stream that does get comments.
        const other = rig({ keepaliveMs: 10 });
        for (let count = 0; count < 4; count++) assert.equal(await other.read(), ": keepalive\n\n");
        await other.cancel();
        end();
        assert.equal(await read(), undefined);
      } else {
        const comment = await read();
        // Byte by byte a CRLF is seen as CR, then LF: whether an event ended is then not certain, and the short form always fits.
        if (!(byteByByte && sent.includes("\r"))) assert.equal(comment, next);
        else assert.match(comment!, /^: keepalive\n\n?$/);
        end();
      }
      assert.equal(received, sent);
    }
  });
}

test("a client that does not read is sent one comment, not one for each interval", async () => {
  const slow = rig({ keepaliveMs: 5 });
  const other = rig({ keepaliveMs: 5 });
  for (let count = 0; count < 6; count++) await other.read();
  slow.end();
  assert.equal(await slow.read(), ": keepalive\n\n");
  assert.equal(await slow.read(), undefined);
  await other.cancel();
});

test("a byte order mark goes, wherever it is cut, because a comment may stand before it", async () => {
  for (
    const pieces of [["\xEF\xBB\xBFdata: 1\n\n"], ["\xEF", "\xBB", "\xBFdata: 1\n\n"], [
      "\xEF\xBB",
      "\xBF",
      "data: 1\n\n",
    ]]
  ) {
    const { read, send, end } = rig();
    pieces.forEach(send);
    end();
    let all = "";
    for (let chunk = await read(); chunk !== undefined; chunk = await read()) all += chunk;
    assert.equal(all, "data: 1\n\n");
  }
  const { read, send, end } = rig();
  send("\xEF\xBB");
  end();
  assert.equal(await read(), "\xEF\xBB", "half a mark is no mark");
});

test("S1-48: the client's end cancels the source; a broken source breaks the stream and is no clean end", async () => {
  const left = rig({ keepaliveMs: 10 });
  await left.cancel();
  await left.sourceCancelled;
  await left.ended;

  const broken = rig();
  broken.fail(new Error("gone"));
  await assert.rejects(broken.read(), /gone/);
  await broken.ended;
});

test("an edit that throws ends the stream with its last words, or breaks it", async () => {
  const edit = {
    push: (): Uint8Array => {
      throw new Error("refused");
    },
    end: () => new Uint8Array(),
  };
  const spoken = rig({ edit, onEditError: () => "event: error\n\n" });
  spoken.send("data: 1\n\n");
  assert.equal(await spoken.read(), "event: error\n\n");
  assert.equal(await spoken.read(), undefined);
  await spoken.sourceCancelled;

  const silent = rig({ edit, onEditError: () => undefined });
  silent.send("data: 1\n\n");
  await assert.rejects(silent.read(), /refused/);
});

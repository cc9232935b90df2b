// The client of plain HTTP/1.1 downstreams: which connection carries what, how often, and how each end of it is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cuttable } from "../../lib/http1/connection.ts";
import { FieldList } from "../../lib/http1/field_list.ts";
import { ok, read, rig, turns, url } from "../support/http1_rig.ts";

test("a request and its answer", async () => {
  const { exchange, opened } = rig();
  const answer = await exchange("HTTP/1.1 201 Made\r\nX-B: 2\r\nContent-Length: 5\r\n\r\nhello");
  assert.deepEqual([answer.status, answer.fields.get("x-b"), await read(answer)], [201, "2", "hello"]);
  assert.deepEqual([opened[0]!.host, opened[0]!.port], ["mcp.internal", 8080]);
  assert.equal(
    opened[0]!.written,
    "POST /mcp HTTP/1.1\r\nhost: mcp.internal:8080\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n{}",
  );
});

test("an answer in pieces of one byte is the same answer", async () => {
  const { start } = rig();
  const { answer, connection } = await start();
  for (const byte of "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") {
    connection.send(byte);
  }
  assert.equal(await read(await answer), "hello");
  assert.equal(connection.isDestroyed, false);
});

test("answers that are there already need no promise, others do", async () => {
  const { exchange, start } = rig();
  assert.ok((await exchange()).whole() instanceof Uint8Array);
  const { answer, connection } = await start();
  connection.send(ok.slice(0, -1));
  const whole = (await answer).whole();
  connection.send("}");
  assert.equal(Buffer.from(await whole as Uint8Array).toString(), "{}");
});

test("a connection is used again when its answer is complete, and by one request at a time", async () => {
  const { exchange, start, opened } = rig();
  await exchange();
  await exchange();
  assert.equal(opened.length, 1);
  const [first, second] = [await start(), await start()];
  assert.equal(opened.length, 2);
  assert.notEqual(first.connection, second.connection);
});

for (
  const [what, text, end] of [
    ["says that it ends", ok.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")],
    ["speaks HTTP/1.0", ok.replace("1.1", "1.0")],
    ["sends more than the answer", `${ok}HTTP/1.1 200 OK\r\n`],
    [
      "frames in two ways",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
    ["frames by its end", "HTTP/1.1 200 OK\r\n\r\n{}", true],
    ["announces a body that a 204 never has", "HTTP/1.1 204 No Content\r\nContent-Length: 80\r\n\r\n"],
    ["announces chunks that a 204 never has", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["announces chunks that a 304 never has", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
  ] as const
) {
  test(`a connection is not used again where the server ${what}`, async () => {
    const { start, opened } = rig();
    const { answer, connection } = await start();
    connection.send(text);
    if (end) connection.end();
    assert.equal(
      await read(await answer),
      text.endsWith("{}") || text.includes("{}\r\n") || text.startsWith(ok) ? "{}" : "",
    );
    assert.equal(connection.isDestroyed, true);
    await start();
    assert.equal(opened.length, 2);
  });
}

test("a kept connection that the server ends, or speaks on unasked, is not used again", async () => {
  const { exchange, opened } = rig();
  await exchange();
  opened[0]!.end();
  await exchange();
  opened[1]!.send(ok); // an answer to nothing; the next request must not take it for its own
  assert.equal(opened[1]!.isDestroyed, true);
  const answer = await exchange("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine");
  assert.equal(await read(answer), "mine");
  assert.equal(opened.length, 3);
});

test("a connection that was quiet for too long is not trusted", async () => {
  const { exchange, opened } = rig({ reuseConnectionsWithinMs: 0 });
  await exchange();
  await exchange();
  assert.deepEqual(opened.map(({ isDestroyed }) => isDestroyed), [true, true]);
});

test("connections are kept by host and port", async () => {
  const { exchange, opened } = rig();
  for (const to of ["http://a/x", "http://a:81/x", "http://b/x", "http://a/y"]) {
    await exchange(ok, { url: new URL(to) });
  }
  assert.deepEqual(opened.map(({ host, port }) => `${host}:${port}`), ["a:80", "a:81", "b:80"]);
});

test("interim answers are passed over, but not without end (RFC 9110 §15.2)", async () => {
  const { exchange, start } = rig();
  const hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  assert.equal(await read(await exchange(`HTTP/1.1 100 Continue\r\n\r\n${hint}${ok}`)), "{}");
  const { answer, connection } = await start();
  for (let i = 0; i < 20; i++) connection.send(hint);
  await assert.rejects(answer, /malformed_answer: too many interim answers/);
});

test("a head without end is refused, also when it comes in many pieces", async () => {
  const { start } = rig();
  const { answer, connection } = await start();
  connection.send("HTTP/1.1 200 OK\r\n");
  for (let i = 0; i < 70; i++) connection.send(`X-A: ${"x".repeat(1_000)}\r\n`);
  await assert.rejects(answer, /malformed_answer: the head is too long/);
  assert.equal(connection.isDestroyed, true);
});

test("a connection that ends before the answer fails the request, and nothing is sent again", async () => {
  const { start, exchange, opened } = rig();
  await exchange();
  for (const code of [undefined, "EPIPE"]) {
    const { answer, connection } = await start();
    connection.send("HTTP/1.1 200");
    connection.end(code);
    await assert.rejects(answer, { code: code ?? "ECONNRESET" });
  }
  assert.deepEqual(opened.map(({ written }) => written.split("POST").length - 1), [2, 1]);
});

test("a body that breaks off is never a clean end", async () => {
  const broken = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", undefined],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", undefined],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", undefined],
    ["HTTP/1.1 200 OK\r\n\r\nhe", "ECONNRESET"],
  ] as const;
  for (const [text, code] of broken) {
    for (const how of ["read", "whole"] as const) {
      const { start } = rig();
      const { answer, connection } = await start();
      connection.send(text);
      const body = how === "read" ? read(await answer) : Promise.resolve((await answer).whole());
      const failed = assert.rejects(body, { code: "ECONNRESET" });
      connection.end(code);
      await failed;
    }
  }
});

test("a body that turns out malformed breaks off", async () => {
  const { exchange } = rig();
  const answer = await exchange("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n");
  await assert.rejects(read(answer), /malformed_answer/);
});

test("a head with lines that end with LF alone is refused at once, as it would never end", async () => {
  for (const text of ["HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "\n", "HTTP/1.1 200 OK\r\nX-A: 1\n"]) {
    for (const size of [1, text.length]) {
      const { start } = rig();
      const { answer, connection } = await start();
      for (let at = 0; at < text.length; at += size) connection.send(text.slice(at, at + size));
      await assert.rejects(answer, /malformed_answer: a line of the head ends without CR/);
    }
  }
});

test("a body that is malformed from its first byte, in one piece with the head, breaks off", async () => {
  const { exchange } = rig();
  const answer = await exchange("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  await assert.rejects(read(answer), /malformed_answer/);
});

test("a cut ends the exchange and its connection at every stage, and only those", async () => {
  const reason = new Error("the client left");
  const { start, exchange, opened, hold } = rig();
  const waiting = await start();
  waiting.cut(reason);
  await assert.rejects(waiting.answer, reason);

  const reading = await start();
  reading.connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  const body = read(await reading.answer);
  reading.cut(reason);
  await assert.rejects(body, reason);

  const over = await start();
  over.connection.send(ok);
  await over.answer;
  const next = await start();
  assert.equal(next.connection, over.connection);
  over.cut(reason); // late: the connection is another request's by now
  next.connection.send(ok);
  assert.equal(await read(await next.answer), "{}");
  assert.deepEqual(opened.map(({ isDestroyed }) => isDestroyed), [true, true, false]);

  const busy = await start();
  const gate = hold();
  const connecting = await start();
  connecting.cut(reason);
  await assert.rejects(connecting.answer, reason);
  gate.accept();
  await turns();
  assert.deepEqual([opened.length, opened.at(-1)!.isDestroyed, opened.at(-1)!.written], [4, true, ""]);
  busy.connection.send(ok);
  assert.equal(await read(await busy.answer), "{}");
  await exchange();
});

test("whoever gives up on a body ends its connection, unless it is complete", async () => {
  const { exchange, opened } = rig();
  (await exchange()).discard();
  assert.equal(opened[0]!.isDestroyed, false);
  (await exchange("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")).discard();
  assert.equal(opened[0]!.isDestroyed, true);
});

test("no connection in time, or none at all", async () => {
  const slow = rig({ connectTimeoutMs: 5 });
  const gate = slow.hold();
  const { answer } = await slow.start();
  await assert.rejects(answer, { code: "no connection within 0.005 s" });
  gate.accept();
  await turns();
  assert.equal(slow.opened[0]!.isDestroyed, true, "one that comes too late is closed");

  const refused = rig();
  const refusal = refused.hold();
  const started = await refused.start();
  refusal.refuse("ECONNREFUSED");
  await assert.rejects(started.answer, { code: "ECONNREFUSED" });
});

test("attempts that were given up and still hold a file are not without number", async () => {
  const { client, opened, hold } = rig();
  const gate = hold();
  const ask = () => {
    let told: Cuttable | undefined;
    const answer = client.send({ url, method: "GET", fields: new FieldList(), body: { body: null } }, {
      whenCut: (cuttable) => void (told = cuttable),
    });
    told?.cut(new Error("left"));
    return answer;
  };
  for (let i = 0; i < 64; i++) await assert.rejects(ask(), /left/);
  await assert.rejects(ask(), { code: "no connection within 10 s" });
  gate.accept();
  await turns();
  assert.deepEqual([opened.length, opened.filter(({ isDestroyed }) => isDestroyed).length], [64, 64]);
  await assert.rejects(ask(), /left/);
});

test("a request that can't be written touches no connection", async () => {
  const { client, exchange, opened } = rig();
  await exchange();
  const bad = { url, method: "POST", fields: new FieldList(["x-a", "1\r\nx-b: 2"]), body: { body: null } };
  assert.throws(() => client.send(bad, { whenCut: () => {} }), TypeError);
  await exchange();
  assert.equal(opened.length, 1);
});

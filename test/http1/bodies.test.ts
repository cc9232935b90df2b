// Bodies of requests and answers over plain HTTP/1.1: no faster than they are taken, and as long as announced.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ok, read, rig, stream, turns } from "../support/http1_rig.ts";

test("a body without a length announced is said to have none where one is usual (RFC 9110 §8.6)", async () => {
  const { exchange, opened } = rig();
  for (const method of ["GET", "DELETE", "POST"]) await exchange(ok, { method, body: null });
  const announced = opened[0]!.written.split(/(?=GET|DELETE|POST)/).map((text) => /content-length: \d/.exec(text)?.[0]);
  assert.deepEqual(announced, [undefined, undefined, "content-length: 0"]);
});

test("a body in tiny chunks does not keep the buffers that it came in", async () => {
  const { start } = rig();
  const { answer, connection } = await start();
  connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const padded = `1;${"x".repeat(4_000)}\r\na\r\n`;
  for (let i = 0; i < 200; i++) connection.send(padded);
  connection.send("0\r\n\r\n");
  const { value } = await (await answer).reader()!.read();
  assert.equal(value!.length, 200);
  assert.ok(value!.buffer.byteLength < 2_000, `${value!.buffer.byteLength} bytes are kept for 200`);
});

test("a reader that is behind holds the server back", async () => {
  const { start } = rig();
  const { answer, connection } = await start();
  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
  const reader = (await answer).reader()!;
  connection.send("x".repeat(60_000));
  assert.equal(connection.isPaused, false);
  connection.send("x".repeat(60_000));
  assert.equal(connection.isPaused, true);
  await reader.read();
  assert.equal(connection.isPaused, false);
  connection.send("x".repeat(80_000));
  assert.equal(connection.isPaused, false, "it is complete, and free for others");
  await reader.read();
  assert.equal((await reader.read()).value!.length, 80_000);
  assert.equal((await reader.read()).done, true);
});

test("a request that the system takes in parts arrives whole", async () => {
  const { start, exchange, opened } = rig();
  await exchange();
  opened[0]!.room = 10;
  const { connection, answer } = await start({ body: new TextEncoder().encode("x".repeat(300_000)) });
  for (let i = 0; i < 40; i++) connection.takeMore(10_000);
  connection.send(ok);
  assert.equal(await read(await answer), "{}");
  assert.match(connection.written, /content-length: 300000\r\n\r\nx{300000}$/);
});

test("a streamed body goes up in chunks, or as long as announced", async () => {
  const { exchange, opened } = rig();
  await exchange(ok, { body: stream("hello", "", " world") });
  assert.match(opened[0]!.written, /transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n$/);
  await exchange(ok, { body: stream("hello"), contentLength: "5" });
  assert.match(opened[0]!.written, /content-length: 5\r\n\r\nhello$/);
  assert.equal(opened.length, 1);
});

test("a streamed body of another length than announced is never sent as a whole request", async () => {
  for (const pieces of [["hell"], ["hello", "!"]]) {
    const { start } = rig();
    const { answer, connection } = await start({ body: stream(...pieces), contentLength: "5" });
    await assert.rejects(answer, /request_(longer|shorter)_than_announced/);
    assert.equal(connection.isDestroyed, true);
    assert.doesNotMatch(connection.written, /!/);
  }
});

test("a streamed body waits until the system takes more", async () => {
  const { exchange, start, opened } = rig();
  await exchange();
  opened[0]!.room = 0;
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => void (pulled++ < 3 ? controller.enqueue(new Uint8Array(1_000)) : controller.close()),
  }, { highWaterMark: 0 }).getReader();
  const { connection, answer } = await start({ body });
  await turns();
  assert.equal(pulled, 1);
  for (let i = 0; i < 8; i++) {
    connection.takeMore(Infinity);
    await turns();
  }
  assert.equal(pulled, 4);
  connection.send(ok);
  assert.equal(await read(await answer), "{}");
});

test("an answer that is complete before the request is: the rest is not sent, and the connection not used again", async () => {
  const { start } = rig();
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({ cancel: () => cancelled.resolve() }).getReader();
  const { answer, connection } = await start({ body });
  connection.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}");
  assert.equal((await answer).status, 413);
  assert.equal(await read(await answer), "{}");
  assert.equal(connection.isDestroyed, true);
  await cancelled.promise;
});

test("a body that its sender breaks off fails the request", async () => {
  const { start } = rig();
  const failure = new Error("broken");
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(failure) }).getReader();
  const { answer, connection } = await start({ body });
  await assert.rejects(answer, failure);
  assert.equal(connection.isDestroyed, true);
  assert.doesNotMatch(connection.written, /0\r\n\r\n$/);
});

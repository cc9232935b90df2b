import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { readText } from "../../lib/http/read_text.ts";

function requestOf(body: ReadableStream<Uint8Array>): Request {
  return new Request("http://127.0.0.1/token", { method: "POST", body, duplex: "half" } as RequestInit);
}

test("S2-07: a body that never ends is refused with 408 in time, however steadily it drips, and is let go", async () => {
  let drip: ReturnType<typeof setInterval> | undefined;
  const { promise: letGo, resolve } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (drip = setInterval(() => controller.enqueue(new Uint8Array([120])), 5)),
    cancel: () => resolve(clearInterval(drip)),
  });
  await assert.rejects(
    readText(requestOf(body), { maxBytes: 1_000_000, withinMs: 50 }),
    (error) => error instanceof OAuthError && error.status === 408 && error.code === "invalid_request",
  );
  await letGo;
});

test("S2-07: so is one whose length was announced", async () => {
  let drip: ReturnType<typeof setInterval> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => void (drip = setInterval(() => controller.enqueue(new Uint8Array([120])), 5)),
  });
  const request = new Request("http://127.0.0.1/token", {
    ...{ method: "POST", duplex: "half", body },
    headers: { "content-length": "1000" },
  } as RequestInit);
  await assert.rejects(
    readText(request, { maxBytes: 1_000_000, withinMs: 50 }),
    (error) => error instanceof OAuthError && error.status === 408 && error.code === "invalid_request",
  );
  clearInterval(drip);
});

test("a body in pieces is one text, also where a character is cut", async () => {
  const bytes = new TextEncoder().encode("grant_type=größe");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  assert.equal(await readText(requestOf(body), { maxBytes: 100, withinMs: 60_000 }), "grant_type=größe");
});

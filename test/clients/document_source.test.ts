import assert from "node:assert/strict";
import { test } from "node:test";
import { createDocumentSource } from "../../lib/clients/document_source.ts";
import { fakeDocuments } from "../support/fake_documents.ts";
import { recordedLog } from "../support/recorded_log.ts";

const url = "https://a.example/doc.json";

function setUp() {
  const clock = { now: 1_000_000 };
  const web = fakeDocuments();
  const source = createDocumentSource(
    { safeFetch: web.safeFetch, now: () => clock.now, log: recordedLog().log },
    {
      what: "document",
      maxBytes: 1_000,
      allowLoopbackHttp: false,
      parse: (value) => (value as { version: number }).version,
    },
  );
  return { ...web, clock, source };
}

for (
  const [cacheControl, stillFresh, stale] of [
    ["max-age=600", 599, 600],
    ["no-store", 59, 60],
    ["max-age=99999999", 86_399, 86_400],
    [undefined, 3_599, 3_600],
  ] as const
) {
  test(`S2-19: with Cache-Control ${cacheControl} a copy is good for ${stale} seconds`, async () => {
    const { source, documents, fetched, clock } = setUp();
    const headers: Record<string, string> = cacheControl === undefined ? {} : { "cache-control": cacheControl };
    documents.set(url, { headers, body: { version: 1 } });
    assert.equal(await source.get(url), 1);
    documents.set(url, { headers, body: { version: 2 } });
    clock.now += stillFresh;
    assert.equal(await source.get(url), 1);
    clock.now += stale - stillFresh;
    assert.equal(await source.get(url), 2);
    assert.equal(fetched.length, 2);
  });
}

test("askers at the same time share one fetch", async () => {
  const { source, documents, fetched } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  documents.set(url, async () => {
    await promise;
    return { body: { version: 1 } };
  });
  const askers = Array.from({ length: 50 }, () => source.get(url));
  resolve();
  assert.deepEqual(new Set(await Promise.all(askers)), new Set([1]));
  assert.equal(fetched.length, 1);
});

test("no more than 64 fetches run at once; the next asker is told to come back", async () => {
  const { source, documents } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  const at = (i: number) => `https://a.example/${i}`;
  for (let i = 0; i < 65; i++) {
    documents.set(at(i), async () => {
      await promise;
      return { body: { version: i } };
    });
  }
  const askers = Array.from({ length: 64 }, (_, i) => source.get(at(i)));
  await assert.rejects(source.get(at(64)), { code: "temporarily_unavailable", status: 503 });
  resolve();
  await Promise.all(askers);
  assert.equal(await source.get(at(64)), 64);
});

for (
  const [why, answer] of [
    ["can't be reached", undefined],
    ["answers 503", { status: 503, body: "down" }],
    ["answers 403 to servers", { status: 403, body: "are you human?" }],
    ["answers 429", { status: 429, body: "" }],
  ] as const
) {
  test(`the last good copy stands in for a day when its address ${why}`, async () => {
    const { source, documents, fetched, clock } = setUp();
    documents.set(url, { headers: { "cache-control": "max-age=60" }, body: { version: 1 } });
    await source.get(url);
    if (answer === undefined) documents.delete(url);
    else documents.set(url, answer);
    clock.now += 3_600;
    assert.equal(await source.get(url), 1);
    assert.equal(await source.get(url), 1);
    assert.equal(fetched.length, 2, "the address is not asked again at once");
    clock.now += 86_400;
    await assert.rejects(source.get(url), { code: "temporarily_unavailable", status: 503, retryAfterSeconds: 30 });
  });
}

test("a copy does not stand in for a document that is gone or has become another", async () => {
  const { source, documents, clock } = setUp();
  for (const answer of [{ status: 404, body: "" }, { body: "no JSON" }]) {
    documents.set(url, { headers: { "cache-control": "max-age=60" }, body: { version: 1 } });
    await source.get(url);
    documents.set(url, answer);
    clock.now += 3_600;
    await assert.rejects(source.get(url), { code: "invalid_client" });
    documents.delete(url);
    await assert.rejects(source.get(url), { code: "temporarily_unavailable" });
  }
});

test("failures are not remembered (draft-ietf-oauth-client-id-metadata-document-00 §4.3)", async () => {
  const { source, documents } = setUp();
  await assert.rejects(source.get(url), { code: "temporarily_unavailable" });
  documents.set(url, { body: { version: 1 } });
  assert.equal(await source.get(url), 1);
});

test("refresh asks again although the copy is fresh, but not within 30 seconds", async () => {
  const { source, documents, fetched, clock } = setUp();
  documents.set(url, { body: { version: 1 } });
  await source.get(url);
  documents.set(url, { body: { version: 2 } });
  clock.now += 29;
  assert.equal(await source.refresh(url), 1);
  clock.now += 1;
  assert.equal(await source.refresh(url), 2);
  assert.equal(await source.get(url), 2);
  assert.equal(fetched.length, 2);
});

test("at most 500 copies are kept; the one that was used longest ago goes first", async () => {
  const { source, documents, fetched } = setUp();
  const at = (i: number) => `https://a.example/${i}`;
  for (let i = 0; i <= 500; i++) documents.set(at(i), { body: { version: i } });
  for (let i = 0; i < 500; i++) await source.get(at(i));
  await source.get(at(0));
  await source.get(at(500));
  fetched.length = 0;
  await source.get(at(0));
  assert.deepEqual(fetched, []);
  await source.get(at(1));
  assert.deepEqual(fetched, [at(1)]);
});

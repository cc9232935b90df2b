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

/** Addresses whose documents come when they are released. */
function hanging(documents: ReturnType<typeof setUp>["documents"], urls: string[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const [i, url] of urls.entries()) {
    documents.set(url, async () => {
      await promise;
      return { body: { version: i } };
    });
  }
  return { release: resolve };
}

const many = (count: number, print: (i: number) => string) => Array.from({ length: count }, (_, i) => print(i));
const toComeBack = { code: "temporarily_unavailable", status: 503, retryAfterSeconds: 30 };

test("no more than 64 fetches run at once; the next asker is told to come back", async () => {
  const { source, documents } = setUp();
  const urls = many(65, (i) => `https://site-${i}.example/`);
  const { release } = hanging(documents, urls);
  const askers = urls.slice(0, 64).map((url) => source.get(url));
  await assert.rejects(source.get(urls[64]!), toComeBack);
  release();
  await Promise.all(askers);
  assert.equal(await source.get(urls[64]!), 64);
});

test("a stranger whose documents never come keeps nobody from logging in: a site has eight fetches, and slow ones give way", async () => {
  const { source, documents, clock } = setUp();
  documents.set(url, { body: { version: 1 } });
  // All below one domain, for names cost nothing there.
  const own = many(64, (i) => `https://${i}.evil.example/`);
  hanging(documents, own);
  const atOneSite = own.map((url) => source.get(url));
  const refused = await Promise.all(atOneSite.slice(8).map((asker) => asker.catch((error) => error.code)));
  assert.deepEqual(new Set(refused), new Set(["temporarily_unavailable"]));
  assert.equal(await source.get(url), 1);

  const elsewhere = many(56, (i) => `https://evil-${i}.example/`);
  hanging(documents, elsewhere);
  const everywhere = [...atOneSite.slice(0, 8), ...elsewhere.map((url) => source.get(url))];
  const outcomes = everywhere.map((asker) => asker.then(() => "answered", (error) => error.code));
  clock.now += 2;
  documents.set("https://another.example/", { body: { version: 2 } });
  assert.equal(await source.get("https://another.example/"), 2);
  assert.equal(await outcomes[0], "temporarily_unavailable", "the one that took longest");
});

test("while nothing more can be fetched, a stale copy stands in", async () => {
  const { source, documents, clock } = setUp();
  documents.set(url, { headers: { "cache-control": "max-age=60" }, body: { version: 1 } });
  await source.get(url);
  clock.now += 3_600;
  const urls = many(64, (i) => `https://site-${i}.example/`);
  const { release } = hanging(documents, urls);
  const askers = urls.map((url) => source.get(url));
  assert.equal(await source.get(url), 1);
  release();
  await Promise.all(askers);
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

test("at most 500 copies are kept, 50 of one site; the one that was used longest ago goes first", async () => {
  const { source, documents, fetched } = setUp();
  const urls = many(501, (i) => `https://site-${i}.example/`);
  const own = many(51, (i) => `https://${i}.evil.example/`);
  for (const url of [...urls, ...own]) documents.set(url, { body: { version: 1 } });
  const isKept = async (url: string) => {
    fetched.length = 0;
    await source.get(url);
    return fetched.length === 0;
  };
  for (const url of urls.slice(0, 450)) await source.get(url);
  for (const url of own) await source.get(url);
  assert.deepEqual([await isKept(own[1]!), await isKept(urls[0]!), await isKept(own[0]!)], [true, true, false]);
  for (const url of urls.slice(450)) await source.get(url);
  assert.deepEqual([await isKept(urls[0]!), await isKept(urls[1]!)], [true, false]);
});

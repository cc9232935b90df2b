import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createStore, storeKind } from "../../lib/store/create_store.ts";
import { processLog as log } from "../../lib/telemetry/log.ts";

const now = () => 1_800_000_000;

test("store.url memory: opens a store", async () => {
  const store = await createStore("memory:", { now, log });
  assert.equal(await store.putIfAbsent("code:a", "spent", now() + 60), undefined);
  assert.equal(await store.putIfAbsent("code:a", "spent", now() + 60), "spent");
  await store.close();
});

test("store.url sqlite: names the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "create-store-"));
  const store = await createStore(`sqlite:${folder}/state.db`, { now, log });
  assert.ok(statSync(join(folder, "state.db")).isFile());
  await store.close();
  rmSync(folder, { recursive: true });
});

test("store.url redis: opens without a server, which may come later", async () => {
  const store = await createStore("redis://127.0.0.1:1/0", { now, log });
  await store.close();
});

for (
  const url of [
    "",
    "memory",
    "sqlite:",
    "postgres://:hunter2@db/0",
    "redis:",
    "redis://",
    "redis://:hunter2@host:notaport/0",
    "redis://:hunter2@host/keys",
    "redis://:hunter2@host/0?ca=x",
  ]
) {
  test(`store.url is refused, without a word of its password: ${JSON.stringify(url)}`, async () => {
    const error = await createStore(url, { now, log }).then(() => undefined, (error) => error);
    assert.match(`${error?.message}`, /must be/);
    assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, /hunter2/);
  });
}

test("store.url says its kind before it is opened", () => {
  const kinds = ["memory:", "sqlite:/var/lib/state.db", "redis://host:6379/0", "rediss://host", "mysql://host"];
  assert.deepEqual(kinds.map(storeKind), ["memory", "sqlite", "redis", "redis", undefined]);
});

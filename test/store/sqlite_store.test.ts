import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { createSqliteStore } from "../../lib/store/sqlite_store.ts";
import { StoreUnavailableError } from "../../lib/store/store.ts";
import { startStoreProcess } from "../support/store_process.ts";
import { testStoreContract } from "./contract.ts";

const start = 1_800_000_000;
const now = () => start;

testStoreContract("sqlite", {
  shared: true,
  durable: true,
  create: async () => {
    const folder = mkdtempSync(join(tmpdir(), "sqlite-store-"));
    const path = join(folder, "state.db");
    let time = start;
    const store = createSqliteStore(path, { now: () => time });
    return {
      store,
      now: () => time,
      advance: (seconds) => void (time += seconds),
      url: `sqlite:${path}`,
      remove: async () => {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

/** Runs `body` with the path of a file that does not exist yet, in a folder of its own. */
function testWithFile(name: string, body: (path: string) => Promise<void> | void): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "sqlite-store-"));
    try {
      await body(join(folder, "state.db"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

testWithFile("sqlite store remembers after kill -9 what it had answered", async (path) => {
  const ids = Array.from({ length: 50 }, (_, i) => `code:${i}`);
  const other = await startStoreProcess(`sqlite:${path}`, start);
  assert.deepEqual(await other.claim(ids), ids);
  await other.kill();
  const store = createSqliteStore(path, { now });
  for (const id of ids) assert.equal(await store.putIfAbsent(id, "again", start + 60), "spent");
  await store.close();
});

testWithFile("sqlite store remembers after a restart", async (path) => {
  const before = createSqliteStore(path, { now });
  await before.put("answer:a", "sealed", start + 60);
  await before.close();
  const after = createSqliteStore(path, { now });
  assert.equal(await after.get("answer:a"), "sealed");
  await after.close();
});

testWithFile("sqlite store keeps its files from other users of the machine", async (path) => {
  const store = createSqliteStore(path, { now });
  await store.put("answer:a", "sealed", start + 60);
  const folder = join(path, "..");
  const modes = readdirSync(folder).map((file) => [file, statSync(join(folder, file)).mode & 0o777]);
  assert.ok(modes.some(([file]) => file === "state.db-wal"), "the write-ahead log exists while the store is open");
  assert.deepEqual(modes.filter(([, mode]) => mode !== 0o600), []);
  await store.close();
});

testWithFile("sqlite store throws expired entries away while it is written to, a few at a time", async (path) => {
  let time = start;
  const store = createSqliteStore(path, { now: () => time });
  const reader = new DatabaseSync(path);
  const count = () => reader.prepare("SELECT count(*) AS entries FROM entry").get()?.entries as number;
  for (let i = 0; i < 200; i++) await store.put(`spent:${i}`, "spent", start + 10);
  time += 10;
  for (let i = 0; i < 16; i++) await store.put(`later:${i}`, "spent", time + 10);
  assert.ok(count() < 216 && count() >= 216 - 128, `${count()} entries after 16 writes`);
  for (let i = 16; i < 80; i++) await store.put(`later:${i}`, "spent", time + 10);
  assert.equal(count(), 80);
  reader.close();
  await store.close();
});

testWithFile(
  "sqlite store tells its callers when another process holds the file for longer than a second",
  async (path) => {
    const store = createSqliteStore(path, { now });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    await assert.rejects(store.putIfAbsent("code:a", "spent", start + 60), StoreUnavailableError);
    assert.equal(await store.get("code:a"), undefined, "reading goes on");
    other.exec("COMMIT");
    other.close();
    assert.equal(await store.putIfAbsent("code:a", "spent", start + 60), undefined);
    await store.close();
  },
);

testWithFile("sqlite store refuses a folder that is missing and says what to do", (path) => {
  assert.throws(
    () => createSqliteStore(join(path, "state.db"), { now }),
    /does not exist; create it, or mount the volume/,
  );
});

testWithFile("sqlite store refuses a file that is no database and leaves it alone", (path) => {
  writeFileSync(path, "precious text, longer than the header of a database file would be. ".repeat(20));
  const before = statSync(path).size;
  assert.throws(() => createSqliteStore(path, { now }), /SQLite cannot use it \(file is not a database\)/);
  assert.equal(statSync(path).size, before);
});

testWithFile("sqlite store refuses another program's database", (path) => {
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE bookmark (url TEXT)");
  other.close();
  assert.throws(() => createSqliteStore(path, { now }), /another program's database; name a file of its own/);
});

testWithFile("sqlite store refuses the format of another version", async (path) => {
  await createSqliteStore(path, { now }).close();
  const other = new DatabaseSync(path);
  other.exec("PRAGMA user_version = 2");
  other.close();
  assert.throws(() => createSqliteStore(path, { now }), /another version wrote it \(format 2, this one reads 1\)/);
});

testWithFile("sqlite store refuses a path that it may not write", (path) => {
  mkdirSync(path);
  assert.throws(() => createSqliteStore(path, { now }), /this user cannot write it/);
});

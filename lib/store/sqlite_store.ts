// Several processes on one machine: a SQLite file that survives restarts and kill -9.
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkEntry } from "./entry_limits.ts";
import { type Store, StoreUnavailableError } from "./store.ts";

/** PRAGMA user_version of the files that this program writes. */
const schemaVersion = 1;
/** PRAGMA application_id: "moap". Part of the file format: never change. */
const applicationId = 0x6d6f6170;
/** A call waits this long for another process's write. The event loop waits with it; a write takes microseconds. */
const busyTimeoutMs = 1000;
/** 1 GiB of 4 KiB pages: a flood fills the file, not the disk. */
const maxPages = 262_144;
const writesPerCollection = 16;
const collectedAtOnce = 64;

/**
 * A store in one file, mode 0600 when it is ours to create, to be shared by the processes of one machine.
 *
 * `synchronous = NORMAL`: a commit is with the operating system when the call returns, so kill -9 loses nothing. A power
 * failure may lose the last commits (never the file). FULL costs an fsync per write and buys only that.
 *
 * @throws Error with what to do, when the file cannot be opened or is not ours
 */
export function createSqliteStore(path: string, { now }: { now: () => number }): Store {
  const database = openDatabase(path);
  const insert = database.prepare(
    `INSERT INTO entry (key, value, expires_at) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
     WHERE entry.expires_at <= ?`,
  );
  const replace = database.prepare("INSERT OR REPLACE INTO entry (key, value, expires_at) VALUES (?, ?, ?)");
  const select = database.prepare("SELECT value FROM entry WHERE key = ? AND expires_at > ?");
  const remove = database.prepare("DELETE FROM entry WHERE key = ?");
  // A bucket is the moment, in milliseconds, at which it will be full again (GCRA).
  const drawOne = database.prepare(
    `INSERT INTO entry (key, value, expires_at) VALUES ($key, $now + $interval, $expires)
     ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS REAL), $now) + $interval, expires_at = excluded.expires_at
     WHERE max(CAST(value AS REAL), $now) + $interval - $now <= $size * $interval`,
  );
  const collect = database.prepare(
    "DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
  );
  let writes = 0;

  function read(key: string): string | undefined {
    return select.get(key, now())?.value as string | undefined;
  }

  function collectExpired(): void {
    if (++writes % writesPerCollection === 0) collect.run(now(), collectedAtOnce);
  }

  function ask<T>(question: () => T): T {
    try {
      return question();
    } catch (error) {
      throw new StoreUnavailableError(`the SQLite file ${path} could not be asked`, { cause: error });
    }
  }

  return {
    durable: true,
    async putIfAbsent(key, value, expiresAt) {
      checkEntry(key, value);
      return ask(() => {
        collectExpired();
        for (;;) {
          if (insert.run(key, value, expiresAt, now()).changes > 0) return undefined;
          const present = read(key);
          if (present !== undefined) return present; // else it went between the two statements: claim again
        }
      });
    },
    async put(key, value, expiresAt) {
      checkEntry(key, value);
      ask(() => {
        collectExpired();
        replace.run(key, value, expiresAt);
      });
    },
    get: async (key) => ask(() => read(key)),
    delete: async (key) => ask(() => void remove.run(key)),
    async draw(key, { size, intervalMs }) {
      const nowMs = now() * 1000;
      return ask(() => {
        collectExpired();
        const expiresAt = Math.ceil((nowMs + size * intervalMs) / 1000) + 1;
        const values = { $key: key, $now: nowMs, $interval: intervalMs, $expires: expiresAt, $size: size };
        if (drawOne.run(values).changes > 0) return 0;
        return Math.max(1, Number(read(key) ?? 0) + intervalMs - size * intervalMs - nowMs);
      });
    },
    close: async () => database.close(),
  };
}

function openDatabase(path: string): DatabaseSync {
  const refuse = (problem: string, cause?: unknown) => new Error(`the store sqlite:${path}: ${problem}`, { cause });
  const folder = dirname(path);
  if (!existsSync(folder)) throw refuse(`${folder} does not exist; create it, or mount the volume it is on`);
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw refuse("this user cannot write it; give the file and its folder to the user the proxy runs as", error);
  }
  let database: DatabaseSync | undefined;
  let problem: string | undefined;
  try {
    database = new DatabaseSync(resolve(path));
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA max_page_count = ${maxPages}`);
    problem = prepareSchema(database);
  } catch (error) {
    database?.close();
    const reason = error instanceof Error ? error.message : "unknown reason";
    throw refuse(`SQLite cannot use it (${reason}); when it is damaged, move it away and a new one is made`, error);
  }
  if (problem === undefined) return database;
  database.close();
  throw refuse(problem);
}

/** Creates the table in an empty file, one process at a time. Returns what speaks against using the file, if anything. */
function prepareSchema(database: DatabaseSync): string | undefined {
  database.exec("BEGIN IMMEDIATE");
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (isEmpty) {
    database.exec(`
      CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
      CREATE INDEX entry_expires_at ON entry (expires_at);
      PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${schemaVersion};
    `);
  }
  database.exec("COMMIT");
  const version = pragma(database, "user_version");
  if (pragma(database, "application_id") !== applicationId) {
    return "it is another program's database; name a file of its own";
  }
  if (version !== schemaVersion) {
    return `another version wrote it (format ${version}, this one reads ${schemaVersion}); move it away, or go back to that version`;
  }
  return undefined;
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return database.prepare(`PRAGMA ${name}`).get()?.[name] as number;
}

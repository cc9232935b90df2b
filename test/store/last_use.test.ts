import assert from "node:assert/strict";
import { test } from "node:test";
import { createUseNotes, findLastUse } from "../../lib/store/last_use.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { type Store, StoreUnavailableError } from "../../lib/store/store.ts";
import { recordedLog } from "../support/recorded_log.ts";

const start = 1_800_000_000;

test("a use is written down at once, then once in five minutes for each grant, until the grant's lifetime is over", async () => {
  let time = start;
  const now = () => time;
  const memory = createMemoryStore({ now });
  let writes = 0;
  const store: Store = { ...memory, put: (...entry) => (writes++, memory.put(...entry)) };
  const note = createUseNotes({ store, now, log: recordedLog().log }, 1000);
  for (time of [start, start + 1, start + 299]) note({ grant: "one" });
  note({ grant: "two" });
  assert.equal(writes, 2);
  assert.equal(await findLastUse(store, "one"), start);
  time = start + 300;
  note({ grant: "one" });
  assert.equal(await findLastUse(store, "one"), start + 300);
  time = start + 1300;
  assert.equal(await findLastUse(store, "one"), undefined);
});

test("a store that is away keeps no request waiting and fails none; the log says it", async () => {
  const { log, events } = recordedLog();
  let refuse: (error: Error) => void = () => {};
  const pending = new Promise<void>((_, reject) => refuse = reject);
  const store: Store = { ...createMemoryStore({ now: () => start }), put: () => pending };
  createUseNotes({ store, now: () => start, log }, 1000)({ grant: "one" });
  refuse(new StoreUnavailableError("the fake is away"));
  await pending.catch(() => {});
  await Promise.resolve();
  assert.deepEqual(events.map(({ event, fields }) => [event, fields.grant]), [["use_not_noted", "one"]]);
});

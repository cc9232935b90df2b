// holes.md and docs/threat-model.md name tests; this checks that they exist. And the acceptance list, which the names of the
// tests refer to, is whole.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { acceptanceIds } from "../../scripts/acceptance_ids.ts";
import { brokenReference, tableRows } from "../support/named_tests.ts";

const fileOf = (name: string) => resolve(import.meta.dirname!, name);
const numbers = (last: number, print: (number: string) => string) =>
  Array.from({ length: last }, (_, i) => print(String(i + 1).padStart(2, "0")));

test("holes.md: each row names tests that exist, and each id is there once", () => {
  const rows = tableRows(fileOf("holes.md"), /^\| H-\d/);
  assert.deepEqual(rows.map(([id]) => id), numbers(rows.length, (number) => `H-${number}`));
  assert.deepEqual(
    rows.flatMap(([id, , shownBy = ""]) => brokenReference(shownBy) ? [`${id}: ${brokenReference(shownBy)}`] : []),
    [],
  );
});

test("docs/threat-model.md: each line names tests that exist, and each id is there once", () => {
  const rows = tableRows(fileOf("../../docs/threat-model.md"), /^\| T-\d/);
  assert.ok(rows.length > 50);
  assert.deepEqual(rows.map(([id]) => id), numbers(rows.length, (number) => `T-${number}`));
  assert.deepEqual(
    rows.flatMap(([id, , , shownBy = ""]) => brokenReference(shownBy) ? [`${id}: ${brokenReference(shownBy)}`] : []),
    [],
  );
});

test("acceptance.md: S1-01 to S1-57 and S2-01 to S2-63, one line each", () => {
  assert.deepEqual(acceptanceIds(readFileSync(fileOf("acceptance.md"), "utf8")), [
    ...numbers(57, (number) => `S1-${number}`),
    ...numbers(63, (number) => `S2-${number}`),
  ]);
});

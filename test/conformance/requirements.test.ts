// requirements.md names tests; this checks that they exist, so that a renamed or removed one can't leave a requirement unshown.
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { brokenReference, tableRows } from "../support/named_tests.ts";

const rows = tableRows(resolve(import.meta.dirname!, "requirements.md"), /^\| (MCP|RFC)/)
  .map(([id = "", requirement = "", shownBy = ""]) => ({ id, requirement, shownBy }));

test("requirements.md: each document is there, and each id once", () => {
  const documents = new Set(rows.map(({ id }) => id.split("-").slice(0, id.startsWith("MCP") ? 2 : 1).join("-")));
  const rfcs = ["6749", "6750", "7009", "7591", "7636", "8414", "8707", "9207", "9728"].map((number) => `RFC${number}`);
  assert.deepEqual([...documents], ["MCP-AUTH", "MCP-DISC", "MCP-REG", "MCP-SEC", "MCP-HTTP", ...rfcs]);
  assert.deepEqual(rows.map(({ id }) => id), [...new Set(rows.map(({ id }) => id))]);
  assert.deepEqual(rows.filter(({ requirement }) => requirement === ""), []);
});

test("requirements.md: each row names tests that exist, or says why it does not apply", () => {
  const broken = rows.filter(({ shownBy }) => !/^does not apply: .{10,}/.test(shownBy))
    .flatMap(({ id, shownBy }) => brokenReference(shownBy) === undefined ? [] : [`${id}: ${brokenReference(shownBy)}`]);
  assert.deepEqual(broken, []);
});

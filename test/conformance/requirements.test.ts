// requirements.md names tests; this checks that they exist, so that a renamed or removed one can't leave a requirement unshown.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";

interface Row {
  id: string;
  requirement: string;
  shownBy: string;
}

const testFolder = resolve(import.meta.dirname!, "..");
const rows = readFileSync(resolve(import.meta.dirname!, "requirements.md"), "utf8").split("\n")
  .filter((line) => /^\| (MCP|RFC)/.test(line))
  .map((line): Row => {
    const [, id = "", requirement = "", shownBy = ""] = line.split(" | ").join("|").split("|").map((cell) =>
      cell.trim()
    );
    return { id, requirement, shownBy };
  });

/** The names of a file's tests as they stand in its source, where a table of cases fills in what is between `${` and `}`. */
function testNames(file: string): string[] {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/\btest\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g)].map(([, plain, table]) =>
    (plain ?? table!).replace(/\\(.)/g, "$1")
  );
}

test("requirements.md: each document is there, and each id once", () => {
  const documents = new Set(rows.map(({ id }) => id.split("-").slice(0, id.startsWith("MCP") ? 2 : 1).join("-")));
  const rfcs = ["6749", "6750", "7009", "7591", "7636", "8414", "8707", "9207", "9728"].map((number) => `RFC${number}`);
  assert.deepEqual([...documents], ["MCP-AUTH", "MCP-DISC", "MCP-REG", "MCP-SEC", "MCP-HTTP", ...rfcs]);
  assert.deepEqual(rows.map(({ id }) => id), [...new Set(rows.map(({ id }) => id))]);
  assert.deepEqual(rows.filter(({ requirement }) => requirement === ""), []);
});

test("requirements.md: each row names tests that exist, or says why it does not apply", () => {
  const broken: string[] = [];
  for (const { id, shownBy } of rows) {
    if (/^does not apply: .{10,}/.test(shownBy)) continue;
    const references = shownBy.split("<br>").map((text) => /^`([\w/]+\.test\.ts)` "(.+)"$/.exec(text));
    for (const reference of references) {
      const [, file = "", name = ""] = reference ?? [];
      const path = resolve(testFolder, file);
      const isThere = file !== "" && existsSync(path) && testNames(path).some((known) => known.includes(name));
      if (!isThere) broken.push(`${id}: ${reference?.[0] ?? shownBy}`);
    }
  }
  assert.deepEqual(broken, []);
});

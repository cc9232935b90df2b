// Tables in Markdown whose rows name the tests that show them, so that a renamed or removed test can't leave a row unshown.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const testFolder = resolve(import.meta.dirname!, "..");

/** The cells of each row that begins as `first` says. */
export function tableRows(file: string, first: RegExp): string[][] {
  return readFileSync(file, "utf8").split("\n").filter((line) => first.test(line)).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

/**
 * What is wrong with a cell that names tests, each as `folder/file.test.ts` in backticks and a part of the test's name in
 * quotes, with `<br>` between them; undefined when all of them exist.
 */
export function brokenReference(cell: string): string | undefined {
  for (const text of cell.split("<br>")) {
    const [, file = "", name = ""] = /^`([\w/]+\.test\.ts)` "(.+)"$/.exec(text.trim()) ?? [];
    const path = resolve(testFolder, file);
    const isThere = file !== "" && existsSync(path) && testNames(path).some((known) => known.includes(name));
    if (!isThere) return text;
  }
  return undefined;
}

/** The names of a file's tests as they stand in its source, where a table of cases fills in what is between `${` and `}`. */
function testNames(file: string): string[] {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/\b(?:test|property)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g)].map((
    [, plain, table],
  ) => (plain ?? table!).replace(/\\(.)/g, "$1"));
}

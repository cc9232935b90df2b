// docs/dependencies.md is true: it names what the lock file holds, and package.json pins it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type LockFile, readLockFile } from "../../scripts/sbom.ts";

const root = new URL("../../", import.meta.url);
const document = readFileSync(new URL("docs/dependencies.md", root), "utf8");
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
};
const lock: LockFile = readLockFile();

/** Rows of the table of a section, each split into cells. */
function rowsOf(title: string): string[][] {
  const section = document.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split("|").slice(1, -1));
}

const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
const nameOf = (path: string) => path.replace(/^.*node_modules\//, "");

test("every package that runs is named with its licence, and nothing else is", () => {
  const running = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev);
  const found = rowsOf("In the program").flatMap(([names = "", licence = ""]) =>
    namesIn(names).map((name) => [name, licence.trim()])
  );
  const expected = new Map(
    running.map(([path, { license }]) => [nameOf(path).replace(/^@oven\/bun-.*/, "@oven/bun-*"), license]),
  );
  assert.deepEqual(found.sort(), [...expected].sort());
});

test("every package of development is named with its reason, and nothing else is", () => {
  const named = rowsOf("Only for development").flatMap(([names = ""]) => namesIn(names));
  assert.deepEqual(named.sort(), Object.keys(manifest.devDependencies).sort());
});

test("every version is exact, and every locked package has a hash", () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
  }
  for (const [path, { integrity }] of Object.entries(lock.packages)) {
    if (path !== "") assert.match(integrity ?? "", /^sha512-/, path);
  }
});

test("no package but the runtimes may run a script when it is installed", () => {
  const allowed = Object.entries(manifest.allowScripts).filter(([, may]) => may).map(([name]) => name);
  assert.deepEqual(allowed.sort(), ["bun", "deno", "node"]);
});

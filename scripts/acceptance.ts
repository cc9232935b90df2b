// npm run acceptance: for each id of test/conformance/acceptance.md the passing tests whose names hold it, then `120 of 120`.
// Takes the results of the last whole `npm test`; where there are none, or something is newer, runs the files that name an
// id. A test that was skipped shows nothing; an id of which a test failed is not shown.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { acceptanceIds, idsIn } from "./acceptance_ids.ts";
import type { TestCase } from "./junit.ts";

const root = resolve(import.meta.dirname!, "..");
const lastWholeRun = join(root, "dist", "test_results.json");

const ids = acceptanceIds(readFileSync(join(root, "test/conformance/acceptance.md"), "utf8"));
const results = readLastWholeRun() ?? runTests();
const shown = ids.filter((id) => isShown(id));
console.log(`\n${shown.length} of ${ids.length}`);
process.exitCode = shown.length === ids.length ? 0 : 1;

/** Prints the id with its tests. */
function isShown(id: string): boolean {
  const about = results.filter(({ name }) => idsIn(name).includes(id));
  const names = (outcome: TestCase["outcome"]) => [
    ...new Set(about.filter((result) => result.outcome === outcome).map(({ name }) => name)),
  ];
  const [passed, failed] = [names("passed"), names("failed")];
  console.log(`${id}  ${failed.length > 0 ? "FAILED" : passed.length > 0 ? "passed" : "NOT SHOWN"}`);
  for (const name of failed) console.log(`    failed: ${name}`);
  for (const name of passed) console.log(`    ${name}`);
  return passed.length > 0 && failed.length === 0;
}

/** Undefined where there are no results, or older ones than what they are about. */
function readLastWholeRun(): TestCase[] | undefined {
  if (!existsSync(lastWholeRun)) return undefined;
  const tested = ["lib", "test", "deploy", "main.ts", "package.json"].flatMap(filesIn);
  if (tested.some((file) => statSync(file).mtimeMs > statSync(lastWholeRun).mtimeMs)) return undefined;
  return JSON.parse(readFileSync(lastWholeRun, "utf8")) as TestCase[];
}

/** The files at or below a path of the project, without the pictures that a test run writes. */
function filesIn(path: string): string[] {
  const full = join(root, path);
  if (statSync(full).isFile()) return [full];
  return (readdirSync(full, { recursive: true }) as string[])
    .filter((file) => !file.startsWith("screenshots"))
    .map((file) => join(full, file))
    .filter((file) => statSync(file).isFile());
}

/** On Bun what names an id, against the binary what only it shows. The tests of the stores have their names from contract.ts. */
function runTests(): TestCase[] {
  const naming = filesIn("test")
    .filter((file) => file.endsWith(".test.ts") && idsIn(readFileSync(file, "utf8")).length > 0)
    .map((file) => relative(root, file));
  const ofBinary = naming.filter((file) => file.startsWith("test/binary/"));
  return [...runSuite("bun", [...naming, "test/store"]), ...runSuite("binary", ofBinary)];
}

function runSuite(suite: string, chosen: string[]): TestCase[] {
  const results = join(root, "dist", `acceptance_${suite}.json`);
  rmSync(results, { force: true });
  spawnSync(process.execPath, ["scripts/test.ts", "--only", suite, "--results", results, ...chosen], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) as TestCase[] : [];
}

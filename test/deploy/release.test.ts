// What a release says of itself: one version everywhere, its notes, and the parts it is made of (S2-63).
import assert from "node:assert/strict";
import { test } from "node:test";
import { packageOf } from "../../scripts/check_runtimes.ts";
import { findReleaseProblems, newestHeading, readNamedVersions, releaseNotes } from "../../scripts/release_notes.ts";
import { buildSbom, type LockFile, readLockFile } from "../../scripts/sbom.ts";

const named = { package: "1.2.3", chart: "1.2.3", app: "1.2.3", changelog: "# Changelog\n\n## 1.2.3 (2026-01-02)\n" };

test("package.json, the chart and the lock file name one version; CHANGELOG.md begins with it or with what is unreleased", () => {
  const now = readNamedVersions();
  assert.deepEqual([now.chart, now.app, readLockFile().version], [now.package, now.package, now.package]);
  assert.ok(["Unreleased", now.package].includes(newestHeading(now.changelog)!));
});

test("a tag is released only when everything names its version", () => {
  assert.deepEqual(findReleaseProblems("v1.2.3", named), []);
  for (
    const [change, problem] of [
      [{ package: "1.2.2" }, /package\.json: version is 1\.2\.2, the tag says 1\.2\.3/],
      [{ chart: "1.2.2" }, /Chart\.yaml: version is/],
      [{ app: "" }, /Chart\.yaml: appVersion is/],
      [{ changelog: "# Changelog\n\n## Unreleased\n\n## 1.2.3\n" }, /CHANGELOG\.md: the first heading is Unreleased/],
      [{ changelog: "" }, /CHANGELOG\.md: the first heading is missing/],
    ] as const
  ) {
    const problems = findReleaseProblems("v1.2.3", { ...named, ...change });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, problem);
  }
  for (const tag of ["1.2.3", "v1.2", "vnext", "", "v1.2.3;id"]) {
    assert.match(findReleaseProblems(tag, named)[0]!, /is not vMAJOR\.MINOR\.PATCH/, tag);
  }
  assert.deepEqual(findReleaseProblems("v1.2.3-rc.1", { ...named, package: "1.2.3-rc.1" }).length, 3);
});

test("the notes are the newest release's part of the changelog, without its heading", () => {
  const changelog = "# Changelog\n\nIntroduction.\n\n## 2.0.0 (2026-03-04)\n\n### Breaking\n\nA.\n\n## 1.0.0\n\nB.\n";
  assert.equal(releaseNotes(changelog), "### Breaking\n\nA.\n");
});

test("the bill of materials names every package of the lock file that runs, with its hash, and no other", () => {
  const lock = readLockFile();
  const sbom = buildSbom(lock) as {
    components: { name: string; version: string; type: string; hashes: { content: string }[] }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  const libraries = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && !dev && !path.includes("@oven/"))
    .map(([path]) => path.replace(/^.*node_modules\//, ""));
  const runtimes = sbom.components.filter(({ name }) => name.startsWith("@oven/")).map(({ name }) => name);
  assert.deepEqual(
    sbom.components.map(({ name }) => name).sort(),
    [...libraries, ...runtimes].sort(),
  );
  for (const name of Object.keys(lock.packages[""]!.dependencies!)) assert.ok(libraries.includes(name), name);
  assert.deepEqual(runtimes.map((name) => name.replace("@oven/bun-", "")).sort(), [
    "darwin-aarch64",
    "darwin-x64",
    "linux-aarch64",
    "linux-aarch64-musl",
    "linux-x64",
    "linux-x64-musl",
    "windows-x64",
  ]);
  for (const { name, type, hashes } of sbom.components) {
    assert.match(hashes[0]!.content, /^[0-9a-f]{128}$/, name);
    assert.equal(type === "platform", name === "bun" || name.startsWith("@oven/"), name);
  }
  const [root] = sbom.dependencies;
  assert.equal(root!.dependsOn.length, Object.keys(lock.packages[""]!.dependencies!).length);
});

test("a package that only development needs is in no bill of materials", () => {
  const lock: LockFile = {
    name: "a",
    version: "1.0.0",
    packages: { "": { version: "1.0.0" }, "node_modules/b": { version: "2.0.0", dev: true } },
  };
  assert.deepEqual((buildSbom(lock) as { components: unknown[] }).components, []);
});

test("a runtime in Bun's cache belongs to one package of the lock file", () => {
  const lock = readLockFile();
  for (
    const [cached, name] of [
      ["bun-linux-aarch64-v1.4.5", "@oven/bun-linux-aarch64"],
      ["bun-linux-x64-musl-baseline-v1.4.5", "@oven/bun-linux-x64-musl"],
      ["bun-windows-x64-v1.4.5", "@oven/bun-windows-x64"],
    ] as const
  ) {
    assert.equal(packageOf(cached), name);
    assert.ok(`node_modules/${name}` in lock.packages, name);
  }
});

// bun scripts/release_notes.ts v0.1.0: the release's part of CHANGELOG.md, on standard output. Exit code 1 when the tag, package.json,
// the chart and the changelog do not name one version.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const project = resolve(import.meta.dirname!, "..");

/** Every place that names the version. */
export interface NamedVersions {
  /** `package.json`. */
  package: string;
  /** `version` and `appVersion` of `Chart.yaml`. */
  chart: string;
  app: string;
  /** Text of CHANGELOG.md. */
  changelog: string;
}

/** What keeps this tag from being released, in words; empty when nothing does. */
export function findReleaseProblems(tag: string, named: NamedVersions): string[] {
  const version = /^v(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(tag)?.[1];
  if (version === undefined) return [`the tag ${tag} is not vMAJOR.MINOR.PATCH`];
  const newest = newestHeading(named.changelog);
  return [
    ...differing("package.json: version", named.package),
    ...differing("Chart.yaml: version", named.chart),
    ...differing("Chart.yaml: appVersion", named.app),
    ...differing("CHANGELOG.md: the first heading", newest),
  ];

  function differing(where: string, found: string | undefined): string[] {
    return found === version ? [] : [`${where} is ${found ?? "missing"}, the tag says ${version}`];
  }
}

/** `Unreleased`, or the version of the newest release: the first word of the first heading of the second level. */
export function newestHeading(changelog: string): string | undefined {
  return /^## (\S+)/m.exec(changelog)?.[1];
}

/** The newest release's part of the changelog, without its heading. */
export function releaseNotes(changelog: string): string {
  const [, newest = ""] = changelog.split(/^## .*$/m);
  return `${newest.trim()}\n`;
}

/** As they are in the project now. */
export function readNamedVersions(): NamedVersions {
  const read = (path: string) => readFileSync(join(project, path), "utf8");
  const chart = read("deploy/helm/mcp-oauth-proxy/Chart.yaml");
  return {
    package: (JSON.parse(read("package.json")) as { version: string }).version,
    chart: /^version: (\S+)$/m.exec(chart)?.[1] ?? "",
    app: /^appVersion: "(\S+)"$/m.exec(chart)?.[1] ?? "",
    changelog: read("CHANGELOG.md"),
  };
}

function main([tag = ""]: readonly string[]): number {
  const named = readNamedVersions();
  const problems = findReleaseProblems(tag, named);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) return 1;
  console.log(releaseNotes(named.changelog));
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));

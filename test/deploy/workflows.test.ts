// The GitHub workflows, read as text and as YAML: what they run is pinned, may do no more than it needs, and exists (S2-63).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";

const root = resolve(import.meta.dirname!, "../..");
const folder = join(root, ".github/workflows");

interface Step {
  name?: string;
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Job {
  uses?: string;
  permissions?: Record<string, string>;
  steps?: Step[];
  "timeout-minutes"?: number;
}
interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const workflows = readdirSync(folder).map((file) => {
  const text = readFileSync(join(folder, file), "utf8");
  return { file, text, workflow: parse(text) as Workflow };
});
const jobs = workflows.flatMap(({ file, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ where: `${file} ${name}`, job }))
);
const steps = jobs.flatMap(({ where, job }) => (job.steps ?? []).map((step) => ({ where, step })));
const scripts = steps.flatMap(({ where, step: { run } }) => run === undefined ? [] : [{ where, run }]);

test("every action is pinned to a commit, whose version stands beside it, the same everywhere", () => {
  const versions = new Map<string, Set<string>>();
  const loose: string[] = [];
  for (const { file, text } of workflows) {
    for (const [line, used] of text.matchAll(/^\s*(?:- )?uses: (\S+).*$/gm)) {
      if (used!.startsWith("./")) assert.ok(existsSync(join(root, used!)), used!);
      else if (!/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line)) loose.push(`${file}: ${line.trim()}`);
      else {
        const [action = ""] = used!.split("@");
        versions.set(action, (versions.get(action) ?? new Set()).add(line.replace(/^.*@/, "")));
      }
    }
  }
  assert.deepEqual(loose, []);
  assert.ok(versions.size >= 5);
  for (const [action, found] of versions) assert.equal(found.size, 1, action);
});

test("a workflow may do nothing by itself, and each job what it needs", () => {
  for (const { file, workflow } of workflows) assert.deepEqual(workflow.permissions, {}, file);
  const read = { contents: "read" };
  const sign = { ...read, "id-token": "write", attestations: "write" };
  assert.deepEqual(Object.fromEntries(jobs.map(({ where, job }) => [where, job.permissions])), {
    "ci.yml all": read,
    "release.yml test": read,
    "release.yml build": sign,
    "release.yml registry": { ...sign, packages: "write" },
    "release.yml publish": { contents: "write" },
    "release_build.yml build": sign,
  });
});

test("no checkout leaves credentials behind, and every job of steps has a time limit", () => {
  const checkouts = steps.filter(({ step }) => step.uses?.startsWith("actions/checkout@"));
  assert.ok(checkouts.length >= 3);
  for (const { where, step } of checkouts) assert.equal(step.with?.["persist-credentials"], false, where);
  for (const { where, job } of jobs) assert.ok(job.uses !== undefined || job["timeout-minutes"]! > 0, where);
});

test("no script has a value of GitHub's pasted into it, and bash can read each", {
  skip: "Deno" in globalThis ? "bash is the same" : undefined,
}, () => {
  for (const { where, run } of scripts) {
    assert.doesNotMatch(run, /\$\{\{/, where);
    const { status, stderr } = spawnSync("bash", ["-n"], { input: run, encoding: "utf8" });
    assert.equal(status, 0, `${where}: ${stderr}`);
  }
});

test("what the workflows run from here exists", () => {
  const { scripts: npmScripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const all = scripts.map(({ run }) => run).join("\n");
  const named = [...all.matchAll(/\b(?:scripts|deploy|\.ci)\/[\w./-]+/g)].map(([path]) => path);
  assert.ok(named.length >= 5);
  for (const path of named) assert.ok(existsSync(join(root, path!)), path);
  for (const [, name] of all.matchAll(/npm run (\w+)/g)) assert.ok(name! in npmScripts, name!);
});

test("the files that a release takes out of dist are those that npm run build writes", () => {
  const build = readFileSync(join(root, "scripts/build.ts"), "utf8");
  const all = scripts.map(({ run }) => run).join("\n");
  const named = [...all.matchAll(/dist\/mcp-oauth-proxy-((?:linux|darwin|windows)[\w-]*)/g)].map(([, target]) =>
    target!
  );
  assert.ok(named.length >= 3);
  for (const target of named) assert.ok(build.includes(`"${target}"`), target);
});

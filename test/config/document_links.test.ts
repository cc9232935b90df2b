// Links in the documents lead somewhere: files and headings here; addresses elsewhere by their form only, as no test asks the network.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname!, "../..");
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  "test/README.md",
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];
const textOf = (document: string) => readFileSync(join(root, document), "utf8");
const withoutCode = (text: string) => text.replace(/^ *```[\s\S]*?^ *```/gm, "").replace(/`[^`\n]*`/g, "");

/** As GitHub names the headings of a page. */
function anchorsOf(document: string): Set<string> {
  const seen = new Map<string, number>();
  return new Set(
    [...textOf(document).replace(/^ *```[\s\S]*?^ *```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) => {
      const anchor = heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");
      const times = seen.get(anchor) ?? 0;
      seen.set(anchor, times + 1);
      return times === 0 ? anchor : `${anchor}-${times}`;
    }),
  );
}

function linksOf(document: string): string[] {
  return [...withoutCode(textOf(document)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

for (const document of documents) {
  test(`${document}: every link leads somewhere`, () => {
    const broken = linksOf(document).filter((target) => !leadsSomewhere(document, target));
    assert.deepEqual(broken, []);
  });
}

function leadsSomewhere(document: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return /^(https:\/\/[\w.-]+\.\w+(\/\S*)?|mailto:\S+@\S+)$/.test(target);
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? document : relative(root, resolve(root, dirname(document), path));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(file).has(anchor);
}

test("README.md names every document of docs/", () => {
  const named = new Set(linksOf("README.md").map((target) => target.split("#")[0]!));
  assert.deepEqual(documents.filter((document) => document.startsWith("docs/") && !named.has(document)), []);
});

test("every document that the code, the deployment files and messages name exists", () => {
  const files = ["lib", "deploy", "scripts", ".github"].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[]).map((file) => join(root, folder, file))
  ).filter((file) => /\.(ts|md|ya?ml|toml|service|conf|cfg|lua|json|txt|tpl)$/.test(file));
  const named = [...files, join(root, "Dockerfile"), join(root, "main.ts")].flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/\bdocs\/[\w-]+\.md\b/g)].map(([path]) => path)
  );
  assert.ok(named.length > 0);
  assert.deepEqual(named.filter((path) => !existsSync(join(root, path))), []);
});

test("docs/troubleshooting.md names findings that the doctor has", () => {
  const names = /export type Check =([^;]*);/.exec(readFileSync(join(root, "lib/doctor/finding.ts"), "utf8"))![1]!;
  const checks = new Set([...names.matchAll(/"([^"]+)"/g)].map(([, name]) => name!));
  const named = [...textOf("docs/troubleshooting.md").matchAll(/doctor: ([^.|]*)/g)]
    .flatMap(([, list]) => [...list!.replace(/\([^)]*\)/g, "").matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  assert.ok(named.length >= 6);
  assert.deepEqual(named.filter((name) => !checks.has(name)), []);
});

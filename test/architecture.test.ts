// The rules of docs/architecture.md, checked. When one fails, move the code, not the rule.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

const lib = resolve(import.meta.dirname!, "../lib");

/** Folder -> the folders and root files it may import. Its own folder is always allowed. */
const mayImport: Record<string, string[]> = {
  "oauth": [],
  "pages": [],
  "urls.ts": [],
  "runtime": [],
  "telemetry": [],
  "config": ["oauth", "urls.ts"],
  "store": ["config", "telemetry"],
  "tokens": ["oauth", "config", "store"],
  "http": ["oauth", "pages", "config", "telemetry", "runtime"],
  "http1": ["http", "runtime"],
  "providers": ["oauth", "config", "http", "tokens", "store", "telemetry"],
  "clients": ["oauth", "config", "http", "tokens", "store", "telemetry"],
  "scopes": ["oauth", "config", "http", "telemetry"],
  "strategies": ["urls.ts", "oauth", "config", "http", "tokens", "store", "providers", "telemetry"],
  "discovery": ["urls.ts", "oauth", "config", "http", "pages", "runtime"],
  "authorize": ["urls.ts", "oauth", "config", "tokens", "store", "clients", "strategies", "http", "pages", "telemetry"],
  "grants": ["oauth", "config", "tokens", "store", "clients", "strategies", "http", "telemetry"],
  "proxy": [
    "scopes",
    "http1",
    "oauth",
    "urls.ts",
    "config",
    "tokens",
    "store",
    "strategies",
    "http",
    "telemetry",
    "runtime",
  ],
  "demo": [],
  "doctor": ["oauth", "urls.ts", "http"],
  "cli": [
    "..", // package.json, for the version
    "demo",
    "doctor",
    "oauth",
    "config",
    "http",
    "store",
    "providers",
    "runtime",
    "telemetry",
    "tokens",
    "urls.ts",
    "server.ts",
  ],
};
const assembly = ["app.ts", "deps.ts", "server.ts"];
const mayUseHono = [/^app\.ts$/, /_endpoint\.ts$/, /^http\//, /^pages\//, /^telemetry\/request_log\.ts$/];
const mayUseBunOrDeno = [/^runtime\//];
const mayReadClock = [/^server\.ts$/, /^telemetry\//, /^runtime\//, /^cli\//];

const files = (readdirSync(lib, { recursive: true }) as string[])
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .map((path) => ({ path, text: readFileSync(join(lib, path), "utf8") }));
const home = (path: string) => path.includes("/") ? path.split("/")[0]! : path;
const imports = (text: string) => [...text.matchAll(/^(?:import|export)\s[^;]*?from\s+"([^"]+)"/gms)].map((m) => m[1]!);
const local = (from: string, spec: string) => relative(lib, resolve(lib, dirname(from), spec));

test("folders import only downwards", () => {
  const broken: string[] = [];
  for (const { path, text } of files) {
    const from = home(path);
    if (assembly.includes(from)) continue;
    for (const spec of imports(text).filter((s) => s.startsWith("."))) {
      const to = home(local(path, spec));
      const viaDeps = to === "deps.ts" && path.endsWith("_endpoint.ts");
      if (to !== from && !viaDeps && !mayImport[from]?.includes(to)) broken.push(`${path} -> ${local(path, spec)}`);
    }
  }
  assert.deepEqual(broken, []);
});

test("endpoints are leaves: only app.ts imports them", () => {
  const broken = files.filter((f) => f.path !== "app.ts")
    .flatMap((f) => imports(f.text).filter((s) => s.endsWith("_endpoint.ts")).map((s) => `${f.path} -> ${s}`));
  assert.deepEqual(broken, []);
});

for (
  const [what, pattern, allowed] of [
    ["hono", /from "(npm:)?hono/, mayUseHono],
    ["Bun or Deno globals", /\b(Bun|Deno)\./, mayUseBunOrDeno],
    ["the clock", /\bDate\.now\(|new Date\(\)/, mayReadClock],
  ] as const
) {
  test(`only its own files use ${what}`, () => {
    const code = (text: string) => text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, "").replace(/ \/\/ .*$/gm, "");
    const broken = files.filter((f) => pattern.test(code(f.text)) && !allowed.some((a) => a.test(f.path)));
    assert.deepEqual(broken.map((f) => f.path), []);
  });
}

test("no file is longer than 300 lines", () => {
  assert.deepEqual(files.filter((f) => f.text.split("\n").length > 300).map((f) => f.path), []);
});

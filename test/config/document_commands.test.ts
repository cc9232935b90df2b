// Commands in the documents can be typed as they stand: our own through the parser of the command line, npm's and scripts by name,
// configuration of other programs through those programs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseCommandLine } from "../../lib/cli/command_line.ts";
import { needs, programPath } from "../support/programs.ts";

const root = resolve(import.meta.dirname!, "../..");
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  "test/README.md",
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
].map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

/** Blocks of a language, without the indentation of the list that they stand in. */
function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\`$`, "gm"))]
    .map(([, indent, block]) => block!.replace(new RegExp(`^${indent}`, "gm"), ""));
}

/** Lines of shell blocks, and what stands in backticks in the text: comments gone, continued lines joined. */
function commandsOf(text: string): string[] {
  const blocks = [...blocksOf(text, "sh"), ...blocksOf(text, "")]
    .flatMap((block) => block.replaceAll(/\\\n\s*/g, " ").split("\n"));
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
  return [...blocks, ...inline].map((line) => line.replace(/\s+#.*$/, "").trim()).filter((line) => line !== "");
}

const helpText = readFileSync(join(root, "lib/cli/help.ts"), "utf8");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

let tried = 0;
for (const { name, text } of documents) {
  test(`${name}: its commands are ones that exist`, () => {
    const broken = commandsOf(text).map(problemOf).filter((problem) => problem !== undefined);
    assert.deepEqual(broken, []);
  });
}

test("enough commands were found for this to say something", () => assert.ok(tried >= 40, `${tried}`));

/** What is wrong with a command of ours; undefined when nothing is, or when it is somebody else's. */
function problemOf(line: string): string | undefined {
  const [program, ...args] = line.replace(/^sudo /, "").split(/\s+/);
  if (program === "mcp-oauth-proxy") return ofOurs(line, args);
  if (program === "bun" && args[0]?.startsWith("scripts/")) return named(line, existsSync(join(root, args[0])));
  if (program !== "npm") return undefined;
  if (args[0] === "run") return named(line, args[1]! in scripts);
  return args[0] === "start" || args[0] === "test" ? named(line, args[0] in scripts) : undefined;
}

function ofOurs(line: string, args: string[]): string | undefined {
  if (args.length === 0) return undefined;
  try {
    const { command } = parseCommandLine(args.filter((arg) => !/^\[/.test(arg)));
    return named(line, new RegExp(`\\b${command}\\b`).test(helpText));
  } catch (error) {
    return `${line}: ${(error as Error).message}`;
  }
}

function named(line: string, exists: boolean): string | undefined {
  tried++;
  return exists ? undefined : `${line}: there is no such command`;
}

test("every YAML and JSON block can be read", () => {
  for (const { name, text } of documents) {
    for (const block of blocksOf(text, "yaml")) assert.equal(typeof parse(block), "object", name);
    for (const block of blocksOf(text, "json")) assert.equal(typeof JSON.parse(block), "object", name);
  }
});

test("Caddy takes every Caddyfile of the documents as it stands", {
  skip: "Deno" in globalThis ? "caddy is the same" : needs("caddy"),
}, () => {
  const blocks = documents.flatMap(({ text }) => blocksOf(text, "caddyfile"));
  assert.ok(blocks.length >= 2);
  const folder = mkdtempSync(join(tmpdir(), "caddyfile-"));
  try {
    for (const block of new Set(blocks)) {
      const file = join(folder, "Caddyfile");
      writeFileSync(file, block);
      const { status, stderr } = spawnSync(programPath("caddy"), [
        "validate",
        "--adapter",
        "caddyfile",
        "--config",
        file,
      ], {
        encoding: "utf8",
        env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      });
      assert.equal(status, 0, `${block}\n${stderr}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { sections } from "../../lib/config/schema.ts";
import { buildReference } from "../../scripts/config_reference.ts";
import { stateSecret } from "../support/config_text.ts";

const reference = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

test("docs/configuration.md is what the schema says; else run: npm run docs", () => {
  assert.equal(reference, buildReference());
});

test("every key of the schema stands in the reference once per table", () => {
  for (const { header, keys } of sections) {
    const section = reference.split("\n## ").find((part) => part.startsWith(`\`${header}\``)) ?? "";
    for (const name of Object.keys(keys)) {
      assert.equal(section.split(`\n| \`${name}\` |`).length, 2, `${header} ${name}`);
    }
  }
});

test("the smallest configuration of the reference loads", () => {
  const text = /```toml\n([\s\S]*?)```/.exec(reference)![1]!;
  assert.equal(parseConfig(text, { STATE_SECRET: stateSecret }).resources[0]!.name, "linear");
});

test("every example of the schema is a value that its own check takes", () => {
  for (const { header, keys } of sections) {
    for (const [name, key] of Object.entries(keys)) {
      if (key.kind !== "string" || key.example === undefined) continue;
      assert.equal(key.check?.(JSON.parse(key.example)), undefined, `${header} ${name}`);
    }
  }
});

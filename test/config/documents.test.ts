import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { redirectPresets as presetsOfClients } from "../../lib/clients/redirect_presets.ts";
import { redirectPresets } from "../../lib/config/address_rules.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { linearTable, serverTable, stateSecret } from "../support/config_text.ts";

const root = new URL("../../", import.meta.url);
const documents = [
  "README.md",
  ...readdirSync(new URL("docs/", root)).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

for (const document of documents) {
  const text = readFileSync(new URL(document, root), "utf8");
  const blocks = [...text.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, block]) => block!);
  for (const [index, block] of blocks.entries()) {
    test(`${document}: configuration ${index + 1} loads`, () => {
      assert.ok(parseConfig(completed(block), variablesOf(block), () => stateSecret).resources.length > 0);
    });
  }
}

/** A block may show only the tables that it is about. */
function completed(block: string): string {
  const server = /^\[server\]/m.test(block) ? "" : serverTable;
  const downstream = /^\[\[?downstream/m.test(block) ? "" : linearTable;
  return server + block + downstream;
}

/** Every variable that it names is set. */
function variablesOf(block: string): Record<string, string> {
  const named = [...block.matchAll(/"env:([^"]+)"/g)].map(([, name]) => [name!, stateSecret]);
  return { MCP_PROXY_STATE_SECRET: stateSecret, ...Object.fromEntries(named) };
}

test("the presets that the configuration knows are those that lib/clients knows, and loopback and https", () => {
  assert.deepEqual([...redirectPresets].sort(), [...presetsOfClients.keys(), "loopback", "https"].sort());
});

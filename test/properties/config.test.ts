// config.toml: whatever stands there, it loads or a ConfigError says why, and no message holds a secret.
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError } from "../../lib/config/problems.ts";
import type { Key, Section } from "../../lib/config/key.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { sections } from "../../lib/config/schema.ts";
import { mutated, oddText } from "../support/arbitraries.ts";
import {
  githubTable,
  googleTable,
  linearTable,
  minimal,
  serverTable,
  stateSecret,
  wikiTable,
} from "../support/config_text.ts";
import { property } from "../support/property.ts";

/** Stands wherever a secret may stand, and must not come out anywhere. */
const mark = "s3cr3t-0f-th3-0p3r4t0r";
const env = { SECRET: `${mark}-env`, STATE: stateSecret, EMPTY: "" };
const readFile = (path: string) => {
  if (path.includes("there")) return `${mark}-file\n`;
  throw Object.assign(new Error("no such file"), { code: "ENOENT" });
};

const string = (text: string) => JSON.stringify(text.toWellFormed());
/** A TOML value of any type. */
const anything = fc.oneof(
  oddText.map(string),
  fc.constantFrom(
    '""',
    "0",
    "-1",
    "8080",
    "1e3",
    "9007199254740993",
    "0x1F",
    "inf",
    "nan",
    "true",
    "[]",
    '[""]',
    "[[]]",
    "{}",
    "1979-05-27",
    "''",
  ),
  fc.array(oddText.map(string), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
  fc.constantFrom('{ a = 1, "b c" = [] }', '"""\nmore\n"""', "[{}, {}]", "07:32:00"),
);
const url = fc.constantFrom(
  "https://h.example/mcp",
  "http://127.0.0.1:9",
  "htp://h.example",
  `https://user:${mark}@h.example/`,
  `htp://user:${mark}@h.example/`,
  "h.example/mcp",
  "https://",
  "//h",
  "https://h.example/#x",
  `https://h.example/mcp?api_key=${mark}`,
  `https://h.example /mcp?api_key=${mark}`,
  `htps://h.example/mcp?api_key=${mark}`,
);
const secretValue = fc.constantFrom(
  ...[
    mark,
    "env:SECRET",
    "env:MISSING",
    "env:EMPTY",
    "env:",
    "file:there",
    "file:nowhere",
    "file:",
    `$${"{"}SECRET}`,
    "",
    "changeme",
    stateSecret,
  ],
  ...[`redis://:${mark}@h:6379/0`, `redis//:${mark}@h`, `postgres://user:${mark}@h/db`, "sqlite:", "memory:"],
).map(string);
const secretsInOddPlaces = fc.constantFrom(
  `[${string(mark)}]`,
  `{ value = ${string(mark)} }`,
  `"""${mark}`,
  `"${mark}`,
  `'${mark}`,
  `${mark}`,
  `"${mark}\\q"`,
  `["${mark}", 7]`,
  `"${mark}" "again"`,
);

const secretFile = fc.constantFrom(
  "there",
  "file:there",
  "nowhere",
  "",
  `-----BEGIN PRIVATE KEY-----\n${mark}`,
  `file:\n${mark}`,
).map(string);

function valueOf(name: string, key: Key): fc.Arbitrary<string> {
  if (key.kind === "secret file") return secretFile;
  if (key.kind === "secret") {
    return fc.oneof({ weight: 4, arbitrary: secretValue }, { weight: 1, arbitrary: secretsInOddPlaces });
  }
  if (key.kind === "secrets") return fc.array(secretValue, { maxLength: 2 }).map((items) => `[${items.join(", ")}]`);
  if (key.kind === "json") {
    return fc.constantFrom(
      `{ keys = [{ kty = "oct", k = "${mark}" }] }`,
      string(`{"keys":[{"kty":"EC","d":"${mark}"}]}`),
      string(`{"k":"${mark}"`),
      "7",
    );
  }
  const likely: string[] = [];
  if ("example" in key && key.example !== undefined) likely.push(key.example);
  if (key.kind === "string" && key.choices !== undefined) likely.push(...key.choices.map(string));
  const fitting = key.kind === "string" && /url|issuer|uri/.test(name)
    ? fc.oneof(url.map(string), url.map(string), anything)
    : anything;
  return likely.length === 0 ? fitting : fc.oneof(fc.constantFrom(...likely), fitting);
}

function tableOf({ header, keys }: Section): fc.Arbitrary<string> {
  const names = Object.keys(keys);
  const known = fc.constantFrom(...names).chain((name) =>
    valueOf(name, keys[name]!).map((value) => `${name} = ${value}`)
  );
  const unknown = fc.tuple(mutated(fc.constantFrom(...names)), anything).map(([name, value]) =>
    `${string(name)} = ${value}`
  );
  const lines = fc.uniqueArray(fc.oneof({ weight: 9, arbitrary: known }, { weight: 1, arbitrary: unknown }), {
    maxLength: 8,
    selector: (line) => line.split(" ")[0],
  });
  const title = fc.constantFrom("x", "linear", '"a.b"', "wiki", "google", '"[x]"').map((name) =>
    header.replace(/NAME|ID/g, name)
  );
  return fc.tuple(title, lines).map(([title, lines]) => `${title}\n${lines.join("\n")}\n`);
}

const generated = fc.array(fc.oneof(...sections.map(tableOf)), { maxLength: 5 });
const whole = fc.constantFrom(
  "",
  serverTable,
  minimal,
  serverTable + wikiTable + googleTable,
  minimal + githubTable + wikiTable + googleTable,
);
const text = fc.tuple(whole, generated).map(([known, tables]) => [known, ...tables].join("\n"));

function load(toml: string): void {
  try {
    const config = parseConfig(toml, env, readFile);
    for (const warning of config.warnings) assert.ok(!warning.includes(mark), warning);
    assert.ok(config.resources.length > 0);
    const printed = JSON.stringify({ ...config, providers: [...config.providers] });
    // A URL is no secret of its own: what an operator puts into its query is printed with it.
    assert.ok(!printed.replace(/https?:[^"]*/g, "").includes(mark), "the configuration prints a secret");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(!error.message.includes(mark), error.message);
    assert.ok(error.problems.length > 0);
    for (const { line } of error.problems) {
      assert.ok(line === undefined || (line >= 1 && line <= toml.split("\n").length));
    }
  }
}

property("S1-53: tables of every kind with values of every kind load, or a ConfigError says why and names no secret", {
  runs: 250,
  of: [text],
}, load);

property("S1-53: a configuration that loads, changed anywhere, still does or is a ConfigError", {
  runs: 200,
  of: [
    mutated(fc.constantFrom(
      minimal + githubTable.replace('"shh"', `"${mark}"`) + wikiTable + googleTable,
      serverTable + linearTable.replace("[downstream.linear]", '[[downstream]]\nname = "linear"'),
      `${minimal}\n[client.agent]\nredirect_uris = ["https://agent.example.com/callback"]\nclient_secret = "${mark}"\n`,
    )),
  ],
}, load);

property("S1-53: a text that is no TOML at all is a ConfigError, however deep or long", {
  runs: 100,
  of: [
    fc.oneof(
      oddText,
      fc.tuple(fc.constantFrom("[", "{", "[[", '"', "'''", "a.", "a = [", "a={b=", "#", "\\"), fc.nat(20_000)).map((
        [part, times],
      ) => part.repeat(times)),
    ),
  ],
}, (toml) => {
  load(toml);
  load(`${minimal}\nx = ${toml}`);
});

// One table of the file against its keys: types, limits, defaults, secrets, unknown keys.
import type { Key, Keys, StrategyName, Value, Values } from "./key.ts";
import { nearestKey } from "./nearest_key.ts";
import { got, type Place, type Problems, within } from "./problems.ts";
import {
  readSecretFile,
  resolveSecret,
  type Secret,
  secret,
  type SecretSources,
  UnresolvedSecretError,
} from "./secrets.ts";

/** What every reader of a part of the file works with. */
export interface Reading {
  problems: Problems;
  /** Sentences for the operator: legal, but worth knowing. */
  warnings: string[];
  sources: SecretSources;
  /** Key -> the sections that know it, for keys that stand in the wrong table. */
  elsewhere: ReadonlyMap<string, readonly string[]>;
}

export type Table = Readonly<Record<string, unknown>>;

/**
 * The values of a table. A value that is missing or wrong is a problem, and a stand-in of the right type takes its place so that reading
 * goes on: look at `problems` before you use anything.
 *
 * @param table the parsed table; undefined when the file has none
 * @param strategy for a downstream: keys of other strategies are problems, or warnings where seed 1 ignored them
 */
export function readTable<S extends Keys>(
  keys: S,
  found: { table: unknown; place: Place; strategy?: StrategyName },
  reading: Reading,
): Values<S> {
  const table = asTable(found.table, found.place, reading.problems);
  for (const name of Object.keys(table)) {
    if (!Object.hasOwn(keys, name)) reading.problems.add(within(found.place, name), unknownKey(name, keys, reading));
  }
  const values: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(keys)) {
    const place = within(found.place, name);
    const isForeign = found.strategy !== undefined && key.strategies?.includes(found.strategy) === false;
    if (isForeign && table[name] !== undefined) reportForeign(key, place, found.strategy!, reading);
    values[name] = readKey(key, isForeign ? undefined : table[name], place, reading);
  }
  return values as Values<S>;
}

/** The table itself; anything else is a problem and counts as empty. */
export function asTable(value: unknown, place: Place, problems: Problems): Table {
  if (value === undefined) return {};
  if (isTable(value)) return value;
  problems.add(place, `must be a table; write [${place.path}] and its keys below`);
  return {};
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function readKey<K extends Key>(key: K, value: unknown, place: Place, reading: Reading): Value<K> {
  return read(key, value, place, reading) as Value<K>;
}

function read(key: Key, value: unknown, place: Place, reading: Reading): unknown {
  const wrong = (message: string) => {
    reading.problems.add(place, message);
    return standIn(key);
  };
  if (value === undefined) {
    if ("required" in key) return wrong(`is required${key.example === undefined ? "" : `, such as ${key.example}`}`);
    return defaultOf(key);
  }
  switch (key.kind) {
    case "string":
      return readString(key, value, wrong);
    case "integer":
      if (typeof value !== "number" || !Number.isInteger(value)) {
        return wrong(`must be a whole number${unitOf(key)}${got(value)}`);
      }
      if (value < key.min || value > key.max) {
        return wrong(`must be from ${key.min} to ${key.max}${unitOf(key)}${got(value)}`);
      }
      return value;
    case "boolean":
      return typeof value === "boolean" ? value : wrong(`must be true or false, without quotes${got(value)}`);
    case "strings":
      return readStrings(key, value, place, reading);
    case "secret":
      return readSecret(value, place, reading) ?? standIn(key);
    case "secrets":
      if (!Array.isArray(value)) return wrong('must be a list of secrets, such as ["env:OLD_STATE_SECRET"]');
      return value.map((item) => readSecret(item, place, reading)).filter((item) => item !== undefined);
    case "secret file":
      return typeof value === "string" && value !== ""
        ? resolved(() => secret(readSecretFile(value.replace(/^file:/, ""), reading.sources)), place, reading)
        : wrong("must be the path of a file");
    case "json":
      if (isTable(value)) return JSON.stringify(value);
      return typeof value === "string" ? value : wrong("must be JSON text or an inline table");
    case "tables":
      return Array.isArray(value) ? value : wrong(`must be a list of tables; write [[${place.path}]]`);
  }
}

function readString(key: Key & { kind: "string" }, value: unknown, wrong: (message: string) => unknown): unknown {
  if (typeof value !== "string") return wrong(`must be text in quotes${got(value)}`);
  if (value.trim() === "") {
    return key.mayBeBlank
      ? undefined
      : wrong(`must not be empty${key.required ? "" : "; give it a value or remove the line"}`);
  }
  if (key.choices !== undefined && !key.choices.includes(value)) {
    const near = nearestKey(value, key.choices);
    return wrong(
      `must be one of ${key.choices.join(", ")}${near === undefined ? "" : `; did you mean "${near}"?`}${got(value)}`,
    );
  }
  const problem = key.check?.(value);
  return problem === undefined ? value : wrong(problem);
}

function readStrings(key: Key & { kind: "strings" }, value: unknown, place: Place, reading: Reading): string[] {
  const items = typeof value === "string" && key.orOne ? [value] : value;
  if (!Array.isArray(items)) {
    const hint = typeof value === "string" ? `; write [${JSON.stringify(value)}]` : "";
    reading.problems.add(place, `must be a list of texts${hint}${hint === "" ? got(value) : ""}`);
    return [];
  }
  if (key.required && items.length === 0) reading.problems.add(place, "must not be empty");
  return items.filter((item) => {
    const problem = typeof item !== "string" || item.trim() === ""
      ? `must hold only texts${got(item)}`
      : key.check?.(item);
    if (problem !== undefined) reading.problems.add(place, problem);
    return problem === undefined;
  });
}

function readSecret(value: unknown, place: Place, reading: Reading): Secret | undefined {
  if (typeof value === "string") return resolved(() => resolveSecret(value, reading.sources), place, reading);
  reading.problems.add(place, 'must be text in quotes: the secret, "env:NAME" or "file:PATH"');
  return undefined;
}

function resolved(resolve: () => Secret, place: Place, { problems }: Reading): Secret | undefined {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof UnresolvedSecretError)) throw error;
    problems.add(place, error.message);
    return undefined;
  }
}

function defaultOf(key: Key): unknown {
  if (key.kind === "strings" || key.kind === "secrets" || key.kind === "tables") return [];
  if (!("default" in key) || key.default === undefined) return undefined;
  return key.kind === "secret" ? secret(key.default as string) : key.default;
}

/** Of the right type for what comes after a problem; never used. */
function standIn(key: Key): unknown {
  if (key.kind === "string" && key.required) return key.choices?.[0] ?? "";
  if (key.kind === "secret" && key.required) return secret("");
  return defaultOf(key);
}

function unitOf(key: Key & { kind: "integer" }): string {
  return key.unit === undefined ? "" : ` of ${key.unit}`;
}

function unknownKey(name: string, keys: Keys, { elsewhere }: Reading): string {
  const near = nearestKey(name, Object.keys(keys));
  const homes = elsewhere.get(name);
  if (homes !== undefined) return `unknown key here; it belongs in ${homes.join(" or ")}`;
  if (near !== undefined) return `unknown key; did you mean "${near}"?`;
  const distant = nearestKey(name, [...elsewhere.keys()]);
  if (distant !== undefined) {
    return `unknown key; did you mean "${distant}"? That belongs in ${elsewhere.get(distant)!.join(" or ")}`;
  }
  return `unknown key; known here: ${Object.keys(keys).join(", ")}`;
}

function reportForeign(key: Key, place: Place, strategy: StrategyName, { problems, warnings }: Reading): void {
  const meant = key.strategies!.join(" and ");
  if (key.ignoredElsewhere && strategy !== "login") {
    warnings.push(`${place.path}: ignored, because it only means something with strategy = "${meant}"`);
  } else {
    problems.add(place, `only means something with strategy ${meant}; remove it, or change strategy = "${strategy}"`);
  }
}

// config.toml -> Config: TOML, variables, secrets, rules. The only reader of the file.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import type { Config } from "./config.ts";
import { findKeyLines } from "./key_lines.ts";
import { nearestKey } from "./nearest_key.ts";
import { ConfigError, createProblems } from "./problems.ts";
import type { Reading, Table } from "./read_table.ts";
import { sections } from "./schema.ts";
import { fileProblem, type SecretSources } from "./secrets.ts";
import { validateClients } from "./validate_clients.ts";
import { validateDownstreams } from "./validate_downstreams.ts";
import { validateProviders } from "./validate_providers.ts";
import {
  validateLog,
  validateMetrics,
  validateRateLimit,
  validateServer,
  validateStore,
  validateTokens,
} from "./validate_server.ts";

export interface LoadOptions {
  path: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Flags; they beat variables and file. */
  overrides?: { host?: string; port?: number };
  /** Whether people read the log as it is written. */
  isTerminal?: boolean;
}

/**
 * The configuration in a file. Relative paths of secrets start at its folder.
 *
 * @throws ConfigError with every problem
 */
export async function loadConfig({ path, env, overrides = {}, isTerminal = false }: LoadOptions): Promise<Config> {
  const text = readConfigFile(path);
  const readFile = (file: string) => readFileSync(resolve(dirname(path), file), "utf8");
  const config = readConfig(text, { env, readFile }, isTerminal);
  return {
    ...config,
    server: {
      ...config.server,
      host: overrides.host ?? config.server.host,
      port: overrides.port ?? config.server.port,
    },
  };
}

/**
 * The configuration in a text; pure. The log is JSON unless the text says otherwise.
 *
 * @param readFile for `file:` secrets; throws when there is no such file
 * @throws ConfigError with every problem
 */
export function parseConfig(
  text: string,
  env: SecretSources["env"] = {},
  readFile: SecretSources["readFile"] = noFile,
): Config {
  return readConfig(text, { env, readFile }, false);
}

function readConfig(text: string, sources: SecretSources, isTerminal: boolean): Config {
  const file = parseToml(text);
  const problems = createProblems(findKeyLines(text));
  const reading: Reading = { problems, warnings: [], sources, elsewhere: homesOfKeys() };
  checkTables(file, reading);
  const server = validateServer(file, reading);
  const providers = validateProviders(file, reading);
  const config: Config = {
    server,
    tokens: validateTokens(file, reading),
    store: validateStore(file, reading),
    clients: validateClients(file, reading),
    providers,
    resources: validateDownstreams(file, { ...server, providers }, reading),
    rateLimit: validateRateLimit(file, reading),
    log: validateLog(file, isTerminal, reading),
    metrics: validateMetrics(file, reading),
    warnings: reading.warnings,
  };
  if (problems.found.length > 0) throw new ConfigError(byLine(problems.found));
  return { ...config, warnings: [...reading.warnings, ...unusedProviders(config)] };
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const remedy = "name another file with -c, or write one with: mcp-oauth-proxy init";
    throw new ConfigError([{ path: "", message: `can't read ${path}: ${fileProblem(error)}; ${remedy}` }]);
  }
}

function parseToml(text: string): Table {
  try {
    return parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's own message quotes the lines around, which may hold a secret.
    const what = error.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    throw new ConfigError([{
      path: "",
      line: error.line,
      message: `not valid TOML at column ${error.column}: ${what}`,
    }]);
  }
}

const tableNames = [...new Set(sections.map(({ header }) => /\w+/.exec(header)![0]))];

function checkTables(file: Table, { problems, elsewhere }: Reading): void {
  for (const name of Object.keys(file).filter((name) => !tableNames.includes(name))) {
    const homes = elsewhere.get(name);
    const near = nearestKey(name, tableNames);
    const message = homes !== undefined
      ? `unknown key here; it belongs in ${homes.join(" or ")}`
      : near !== undefined
      ? `unknown table; did you mean [${near}]?`
      : `unknown table; known are ${tableNames.map((table) => `[${table}]`).join(", ")}`;
    problems.add({ path: name, source: name }, message);
  }
}

function homesOfKeys(): Map<string, string[]> {
  const homes = new Map<string, string[]>();
  for (const { header, keys } of sections) {
    for (const key of Object.keys(keys)) homes.set(key, [...(homes.get(key) ?? []), header]);
  }
  return homes;
}

function byLine(problems: ConfigError["problems"]): ConfigError["problems"] {
  return problems.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
}

function unusedProviders({ providers, resources }: Config): string[] {
  const used = new Set(resources.flatMap(({ strategy }) => strategy.kind === "login" ? strategy.providers : []));
  return [...providers.keys()].filter((name) => !used.has(name))
    .map((name) => `provider.${name}: no downstream with strategy = "login" uses it`);
}

function noFile(path: string): never {
  throw Object.assign(new Error(`no file ${path}`), { code: "ENOENT" });
}

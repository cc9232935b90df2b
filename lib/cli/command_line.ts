// The options of every command, and reading them.
import { parseArgs } from "node:util";
import { nearestKey } from "../config/nearest_key.ts";

/** The command line makes no sense; the message says which part, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const flags = {
  help: { type: "boolean", short: "h", commands: [] },
  version: { type: "boolean", short: "V", commands: [] },
  config: { type: "string", short: "c", commands: ["serve", "check", "doctor"] },
  port: { type: "string", short: "p", commands: ["serve", "demo", "check"] },
  host: { type: "string", commands: ["serve", "check"] },
  workers: { type: "string", commands: ["serve"] },
  /** Given by the supervisor of several workers to each of them. */
  worker: { type: "string", commands: ["serve"] },
  output: { type: "string", short: "o", commands: ["init"] },
  "public-url": { type: "string", commands: ["init"] },
  name: { type: "string", commands: ["init"] },
  "display-name": { type: "string", commands: ["init"] },
  strategy: { type: "string", commands: ["init"] },
  url: { type: "string", commands: ["init"] },
  header: { type: "string", commands: ["init"] },
  "client-id": { type: "string", commands: ["init"] },
  "client-secret": { type: "string", commands: ["init"] },
  "authorize-url": { type: "string", commands: ["init"] },
  "token-url": { type: "string", commands: ["init"] },
  provider: { type: "string", commands: ["init"] },
  issuer: { type: "string", commands: ["init"] },
  tenant: { type: "string", commands: ["init"] },
  "allow-domain": { type: "string", commands: ["init"] },
  systemd: { type: "boolean", commands: ["init"] },
  public: { type: "boolean", commands: ["check"] },
  health: { type: "boolean", commands: ["check"] },
  json: { type: "boolean", commands: ["doctor"] },
  long: { type: "boolean", commands: ["doctor"] },
  seconds: { type: "string", commands: ["doctor"] },
} as const;

/** Commands that take one more word. */
const takesWord = ["doctor"];

type FlagName = keyof typeof flags;

export type Options = { readonly [N in FlagName]?: (typeof flags)[N]["type"] extends "string" ? string : true };

/**
 * The command (serve when none is named, as seed 1 had it), its options, and the word after it where one is taken.
 *
 * @param args what follows the program's name
 * @throws UsageError
 */
export function parseCommandLine(args: readonly string[]): { command: string; options: Options; word?: string } {
  const { tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals = tokens.flatMap((token) => token.kind === "positional" ? [token.value] : []);
  const command = positionals[0] ?? "serve";
  const options: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    if (!isFlag(name)) throw new UsageError(`There is no option ${rawName}.${hint(name)}`);
    const { type, commands } = flags[name];
    if (type === "boolean" && value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    if (type === "string" && (value === undefined || value === "")) throw new UsageError(`${rawName} needs a value.`);
    if (options[name] !== undefined) throw new UsageError(`${rawName} is given twice.`);
    if (commands.length > 0 && !(commands as readonly string[]).includes(command)) {
      throw new UsageError(`${command} has no option ${rawName}; it belongs to ${commands.join(" and ")}.`);
    }
    options[name] = value ?? true;
  }
  const words = positionals.slice(1);
  const surplus = words[takesWord.includes(command) ? 1 : 0];
  if (surplus !== undefined) {
    throw new UsageError(`${command} takes no further words, but there is ${JSON.stringify(surplus)}.`);
  }
  return { command, options, ...(words[0] === undefined ? {} : { word: words[0] }) };
}

function isFlag(name: string): name is FlagName {
  return Object.hasOwn(flags, name);
}

function hint(name: string): string {
  const near = nearestKey(name, Object.keys(flags));
  return near === undefined ? "" : ` Did you mean --${near}?`;
}

// How one key of config.toml is described. Everything else follows from these descriptions: checking, defaults, docs.
import type { Secret } from "./secrets.ts";

/** A check returns what is wrong and what to write instead, or undefined. */
export type Check = (value: string) => string | undefined;

export type StrategyName = "passthrough" | "chained_oauth" | "login";

interface Described {
  /** For docs/configuration.md: a sentence or two, starting with a capital. */
  doc: string;
  /** A value as one writes it in TOML, for the docs. */
  example?: string;
  /** The strategies in which the key means something; absent: all. */
  strategies?: readonly StrategyName[];
  /** Seed 1 ignored the key under other strategies, so it is a warning there and not an error. */
  ignoredElsewhere?: true;
}

export type Key =
  & Described
  & (
    | {
      kind: "string";
      required?: true;
      default?: string;
      choices?: readonly string[];
      check?: Check;
      /** `""` means the same as no line at all; otherwise it is an error. */
      mayBeBlank?: true;
    }
    | { kind: "integer"; default: number; min: number; max: number; unit?: "seconds" | "bytes" }
    | { kind: "boolean"; default: boolean }
    /** A list of strings; `orOne` also takes a single string. */
    | { kind: "strings"; required?: true; orOne?: true; check?: Check }
    /** A literal, `env:NAME` or `file:PATH`. */
    | { kind: "secret"; required?: true; default?: string }
    | { kind: "secrets" }
    /** The path of a file whose content is the secret. */
    | { kind: "secret file" }
    /** JSON text, or the same thing written as an inline table. */
    | { kind: "json" }
    | { kind: "tables" }
  );

export interface Keys {
  readonly [name: string]: Key;
}

type Given<K, T> = K extends { default: unknown } | { required: true } ? T : T | undefined;

export type Value<K extends Key> = K extends { kind: "string"; choices: readonly (infer C)[] } ? Given<K, C>
  : K extends { kind: "string" } ? Given<K, string>
  : K extends { kind: "integer" } ? number
  : K extends { kind: "boolean" } ? boolean
  : K extends { kind: "strings" } ? readonly string[]
  : K extends { kind: "secret" } ? Given<K, Secret>
  : K extends { kind: "secrets" } ? readonly Secret[]
  : K extends { kind: "secret file" } ? Secret | undefined
  : K extends { kind: "json" } ? string | undefined
  : readonly unknown[];

/** What a table becomes: one checked value per key. */
export type Values<S extends Keys> = { readonly [N in keyof S]: Value<S[N]> };

/** One table of the file. */
export interface Section {
  /** As written: `[server]`, `[downstream.NAME]`, `[[downstream.NAME.tool_scopes]]`. */
  header: string;
  doc: string;
  keys: Keys;
}

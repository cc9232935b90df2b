// Secrets of the configuration: read from where they are, and never printed by accident.

/** A value that prints as `[secret]` wherever it is logged, interpolated or serialised; `reveal()` is the only way in. */
export interface Secret {
  reveal(): string;
  toString(): "[secret]";
  toJSON(): "[secret]";
}

/** Wraps a value so that it can't be printed by accident. */
export function secret(value: string): Secret {
  const inspect = Symbol.for("nodejs.util.inspect.custom");
  return Object.freeze({
    reveal: () => value,
    toString: () => "[secret]" as const,
    toJSON: () => "[secret]" as const,
    [inspect]: () => "[secret]",
  });
}

/** Where references to secrets lead. */
export interface SecretSources {
  env: Readonly<Record<string, string | undefined>>;
  /** The text of a file; throws when it can't be read. Relative paths start at the configuration file. */
  readFile(path: string): string;
}

/** The secret is not where its reference says. The message names the place, never a value. */
export class UnresolvedSecretError extends Error {
  override readonly name = "UnresolvedSecretError";
}

/**
 * The secret behind a literal, `env:NAME` or `file:PATH`. Line breaks at the end of a file are no part of it.
 *
 * @throws UnresolvedSecretError
 */
export function resolveSecret(reference: string, sources: SecretSources): Secret {
  if (reference.startsWith("env:")) return secret(readVariable(reference.slice(4), sources));
  if (reference.startsWith("file:")) return secret(readSecretFile(reference.slice(5), sources));
  const variable = /^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$/.exec(reference)?.[1];
  if (variable !== undefined) {
    throw new UnresolvedSecretError(`write "env:${variable}" to take it from the environment`);
  }
  if (reference === "") {
    throw new UnresolvedSecretError('must not be empty; write the secret, "env:NAME" or "file:PATH"');
  }
  return secret(reference);
}

/** @throws UnresolvedSecretError */
export function readSecretFile(path: string, { readFile }: SecretSources): string {
  if (/[\r\n]|-----BEGIN/.test(path)) {
    throw new UnresolvedSecretError("must be the path of a file; what stands here is what such a file holds");
  }
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    throw new UnresolvedSecretError(`can't read the file ${path}: ${fileProblem(error)}`, { cause: error });
  }
  const value = text.replace(/[\r\n]+$/, "");
  if (value === "") throw new UnresolvedSecretError(`the file ${path} is empty`);
  return value;
}

function readVariable(name: string, { env }: SecretSources): string {
  if (name === "") throw new UnresolvedSecretError('must name a variable, such as "env:CLIENT_SECRET"');
  const value = env[name];
  if (value === undefined) throw new UnresolvedSecretError(`the environment variable ${name} is not set`);
  if (value === "") throw new UnresolvedSecretError(`the environment variable ${name} is empty`);
  return value;
}

/** Why a file can't be read, in words. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "this user may not read it";
  if (code === "EISDIR") return "it is a directory";
  return error instanceof Error ? error.message : "it can't be read";
}

/** True for what examples and charts put where a secret belongs. */
export function isPlaceholder({ reveal }: Secret): boolean {
  return /^(place.?holder|change.?me.*|replace.?me.*|your[-_ ].*|todo|x{3,}|\.{3}|…)$/i.test(reveal().trim());
}

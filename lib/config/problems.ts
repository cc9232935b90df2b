// Every problem of a configuration, collected, so that all are reported at once.

export interface Problem {
  /** TOML path (`downstream.linear.downstream_url`), or the name of the environment variable. */
  path: string;
  /** Counted from 1; absent when the problem is not in the file. */
  line?: number;
  /** What is wrong and what to write instead. Never holds a secret. */
  message: string;
}

/** The configuration can't be used. `message` is the whole report, one problem a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(printProblem).join("\n"));
    this.problems = problems;
  }
}

/** `line 12: downstream.github.downstream_url: must be an http or https URL (got "htp://…")` */
export function printProblem({ path, line, message }: Problem): string {
  return [line === undefined ? "" : `line ${line}: `, path === "" ? "" : `${path}: `, message].join("");
}

/** Where a value is: `path` for people, `source` as the file nests it (`downstream[0].name`). */
export interface Place {
  path: string;
  source: string;
}

export function within(place: Place, key: string): Place {
  return place.path === ""
    ? { path: key, source: key }
    : { path: `${place.path}.${key}`, source: `${place.source}.${key}` };
}

export interface Problems {
  readonly found: readonly Problem[];
  add(place: Place, message: string): void;
}

/** @param lines what `findKeyLines` gives; a key that it does not know is reported at the line of its table */
export function createProblems(lines: ReadonlyMap<string, number>): Problems {
  const found: Problem[] = [];
  return {
    found,
    add: ({ path, source }, message) => void found.push({ path, line: nearestLine(lines, source), message }),
  };
}

function nearestLine(lines: ReadonlyMap<string, number>, source: string): number | undefined {
  for (let path = source; path !== ""; path = path.replace(/(^|\.)[^.]*$/, "")) {
    const line = lines.get(path) ?? lines.get(path.replace(/\[\d+\]$/, ""));
    if (line !== undefined) return line;
  }
  return undefined;
}

/** ` (got "…")`, shortened; for values that are no secrets. */
export function got(value: unknown): string {
  const text = withoutCredentials(JSON.stringify(value) ?? String(value));
  return ` (got ${text.length > 80 ? `${text.slice(0, 77)}…` : text})`;
}

/** A URL without what may be a secret in it: user information and the query. */
export function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/?#"\s]*@/g, "//…@").replace(/\?[^"]+/g, "?…");
}

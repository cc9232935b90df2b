// The configuration for a command, or its problems on standard error.
import type { Config } from "../config/config.ts";
import { loadConfig, type LoadOptions } from "../config/load.ts";
import { ConfigError, printProblem } from "../config/problems.ts";

/** The configuration; undefined when it has problems, which are printed by then: the exit code is 1. */
export async function loadOrReport(options: Pick<LoadOptions, "path" | "overrides">): Promise<Config | undefined> {
  try {
    return await loadConfig({ ...options, env: process.env, isTerminal: process.stderr.isTTY });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(printReport(options.path, error));
    return undefined;
  }
}

function printReport(path: string, { problems }: ConfigError): string {
  const [first] = problems;
  if (first !== undefined && problems.length === 1 && first.path === "" && first.line === undefined) {
    return first.message;
  }
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [`${path} has ${count}:`, ...problems.map((problem) => `  ${printProblem(problem)}`)].join("\n");
}

// init: a commented config.toml with a fresh secret. Asks on a terminal, takes flags in a script, never overwrites.
import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { parseConfig } from "../config/load.ts";
import { ConfigError, printProblem } from "../config/problems.ts";
import { appsCallbackPath, callbackOf } from "../urls.ts";
import { type Options, UsageError } from "./command_line.ts";
import { type Answers, collectAnswers } from "./init_questions.ts";
import { writeConfigText } from "./init_text.ts";
import { freshSecret } from "./secret.ts";

/** The person left before the last answer. */
class CancelledError extends Error {
  override readonly name = "CancelledError";
}

/** @returns the exit code: 1 when nothing was written. @throws UsageError for flags that make no configuration */
export async function init({ output: path = "config.toml", ...given }: Options): Promise<number> {
  if (existsSync(path)) return refuseToOverwrite(path);
  let answers: Answers | undefined;
  try {
    answers = await answersFor(given);
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    console.error("\nNothing was written.");
    return 1;
  }
  const text = writeConfigText(freshSecret(), answers);
  const problems = problemsOf(text);
  if (problems !== undefined) throw new UsageError(problems);
  if (!writeNewFile(path, text)) return 1;
  console.log(nextSteps(path, answers));
  return 0;
}

/** Undefined in a script without flags: the example's own server stays. */
async function answersFor(given: Options): Promise<Answers | undefined> {
  if (process.stdin.isTTY && process.stdout.isTTY) return await askOnTerminal(given);
  return Object.keys(given).length > 0 ? await collectAnswers(given) : undefined;
}

async function askOnTerminal(given: Options): Promise<Answers> {
  console.log("An empty answer takes what stands in [brackets]; Ctrl-C leaves without writing anything.\n");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const ended = new Promise<never>((_resolve, reject) => terminal.once("close", () => reject(new CancelledError())));
  ended.catch(() => {}); // closing at the end is no failure, and nobody listens by then
  try {
    return await collectAnswers(given, (question) => {
      const promptAt = question.lastIndexOf("\n") + 1;
      if (promptAt > 0) console.log(question.slice(0, promptAt - 1));
      return Promise.race([terminal.question(question.slice(promptAt)), ended]);
    });
  } finally {
    terminal.close();
  }
}

/** Secrets that are not here yet are fine: the file may be for another machine. */
function problemsOf(text: string): string | undefined {
  try {
    parseConfig(text, laterVariables(text), () => "later");
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => printProblem({ ...problem, line: undefined })).join("\n");
  }
}

function laterVariables(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/^[^#\n]*"env:([^"]+)"/gm)].map(([, name]) => [name!, "later"]));
}

function writeNewFile(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") refuseToOverwrite(path);
    else console.error(`Can't write ${path}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

function refuseToOverwrite(path: string): number {
  console.error(`${path} is there already, and init never overwrites. Choose another file with -o.`);
  return 1;
}

function nextSteps(path: string, answers: Answers | undefined): string {
  const flag = path === "config.toml" ? "" : ` -c ${path}`;
  const url = answers === undefined ? undefined : `${answers["public-url"]}/mcp/${answers.name}`;
  const variable = /^env:(.+)$/.exec(answers?.["client-secret"] ?? "")?.[1];
  const steps = [
    answers === undefined ? `edit ${path}: public_url and the MCP servers are examples` : undefined,
    variable === undefined ? undefined : `export ${variable}=…`,
    answers?.strategy === "login"
      ? `allow ${answers["public-url"]}/callback/mcp/${answers.name} and ${
        callbackOf(answers["public-url"] + appsCallbackPath, answers.provider!)
      } as redirect URIs at ${answers.provider}`
      : undefined,
    answers?.strategy === "chained_oauth" && answers["client-id"] !== ""
      ? `allow ${answers["public-url"]}/callback/mcp/${answers.name} as a redirect URI of ${answers["client-id"]}`
      : undefined,
    `mcp-oauth-proxy check${flag}`,
    `mcp-oauth-proxy${flag}`,
    url === undefined ? undefined : `add this URL to your MCP client: ${url}`,
  ].filter((step) => step !== undefined);
  return [
    `Wrote ${path} with a fresh state secret; only you can read it. Next:`,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
  ].join("\n");
}

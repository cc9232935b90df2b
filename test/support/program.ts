// The program as a process: the compiled binary where MCP_OAUTH_PROXY_BIN names one, else main.ts on the runtime of the tests.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname!, "../..");

export interface ProgramOptions {
  cwd?: string;
  /** The whole environment; only PATH and HOME of ours when absent. */
  env?: Record<string, string>;
  /** Instead of `programCommand()`. */
  command?: string[];
}

export interface ProgramEnd {
  code: number | null;
  signal: string | null;
}

export interface RunningProgram {
  pid: number;
  /** Standard output and standard error, mixed, so far. */
  output(): string;
  /** Waits for text in the output. @throws Error with the output when the program ends, or 30 s pass, without it */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<ProgramEnd>;
  /** SIGKILL if it still runs. Call it in a `finally`. */
  destroy(): Promise<void>;
}

/**
 * Program and first arguments; the program's own arguments follow.
 *
 * @param task of deno.json: on Deno the program gets the permissions which that task gives it, and no other
 */
export function programCommand(task: "serve" | "start" | "init" = "serve"): string[] {
  const binary = process.env.MCP_OAUTH_PROXY_BIN;
  if (binary) return [binary];
  const main = resolve(root, "main.ts");
  if (!("Deno" in globalThis)) return [process.execPath, main];
  const { tasks } = JSON.parse(readFileSync(resolve(root, "deno.json"), "utf8")) as { tasks: Record<string, string> };
  const permissions = tasks[task]!.split(" ").filter((word) => word.startsWith("--allow-"));
  return [process.execPath, "run", "--no-check", `--config=${root}/deno.json`, ...permissions, main];
}

export function startProgram(args: string[], options: ProgramOptions = {}): RunningProgram {
  const [program = "", ...first] = options.command ?? programCommand();
  const child = spawn(program, [...first, ...args], {
    cwd: options.cwd ?? root,
    env: options.env ?? { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collectOutput(child);
  const ended = new Promise<ProgramEnd>((settle, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => settle({ code, signal }));
  });
  let running = true;
  child.on("error", () => running = false);
  child.on("exit", () => running = false);
  // Not child.kill: after it Deno reports that signal as the end, whatever the program did with it.
  const kill = (signal: NodeJS.Signals) => void (running && child.pid !== undefined && process.kill(child.pid, signal));
  return {
    pid: child.pid ?? -1,
    output: output.text,
    waitFor: (pattern) => output.waitFor(pattern, ended),
    kill,
    ended,
    destroy: async () => {
      kill("SIGKILL");
      await ended.catch(() => undefined); // a program that could not start has ended too
    },
  };
}

/** Runs it to its end. */
export async function runProgram(
  args: string[],
  options: ProgramOptions = {},
): Promise<ProgramEnd & { output: string }> {
  const program = startProgram(args, options);
  const end = await program.ended;
  return { ...end, output: program.output() };
}

function collectOutput(child: ChildProcess) {
  let text = "";
  const watchers = new Set<() => void>();
  const take = (chunk: string) => {
    text += chunk;
    watchers.forEach((watch) => watch());
  };
  child.stdout?.setEncoding("utf8").on("data", take);
  child.stderr?.setEncoding("utf8").on("data", take);
  return {
    text: () => text,
    waitFor(pattern: RegExp, ended: Promise<unknown>): Promise<RegExpExecArray> {
      return new Promise((found, fail) => {
        const finish = (outcome: () => void) => {
          watchers.delete(watch);
          clearTimeout(timer);
          outcome();
        };
        const watch = () => {
          const match = pattern.exec(text);
          if (match) finish(() => found(match));
        };
        const missed = (why: string) => finish(() => fail(new Error(`${pattern} not seen, ${why}. Output:\n${text}`)));
        const timer = setTimeout(() => missed("30 s passed"), 30_000);
        watchers.add(watch);
        void ended.then(() => missed("the program ended"), (error: Error) => missed(error.message));
        watch();
      });
    },
  };
}

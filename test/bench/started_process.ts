// A program that the bench starts: pinned to a core, its output in a file, gone when the bench is.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { onCores } from "./cores.ts";
import { withAllFiles } from "./peer_process.ts";

export interface StartedProcess {
  pid: number;
  /** Where its output goes. */
  logFile: string;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  name: string;
  command: readonly string[];
  cores: readonly number[];
  /** For its output. */
  folder: string;
  env?: Record<string, string>;
  /** On loopback: ready when it listens there. */
  port: number;
}

const alive = new Set<ChildProcess>();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

/** @throws Error with what it printed, when it ends or stays silent for 20 s instead of listening */
export async function startPinned(options: StartOptions): Promise<StartedProcess> {
  const { name, cores, folder, env = {} } = options;
  const logFile = join(folder, `${name.replaceAll(/[^\w.-]/g, "-")}.log`);
  // Appending, so that the file may be emptied between two rounds.
  const output = openSync(logFile, "a");
  const [program = "", ...args] = onCores(cores, ["sh", "-c", withAllFiles, ...options.command]);
  const child = spawn(program, args, {
    stdio: ["ignore", output, output],
    env: { PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder, ...env },
  });
  closeSync(output);
  alive.add(child);
  const ended = new Promise<void>((settle) => child.on("close", () => settle()));
  void ended.then(() => alive.delete(child));
  await listening(options.port, () => !alive.has(child)).catch((cause) => {
    child.kill("SIGKILL");
    throw new Error(`${name} does not listen. It printed:\n${readFileSync(logFile, "utf8")}`, { cause });
  });
  return {
    pid: child.pid ?? -1,
    logFile,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function listening(port: number, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!await accepts(port)) {
    if (hasEnded()) throw new Error("it has ended");
    if (performance.now() > deadline) throw new Error("20 s have passed");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, "127.0.0.1", () => {
      settle(true);
      socket.destroy();
    });
    socket.on("error", () => settle(false));
  });
}

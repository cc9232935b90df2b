// A part of the bench in a process of its own, which answers commands: for thousands of sockets at either end of a proxy.
import { type ChildProcess, spawn } from "node:child_process";

/** What a peer can do, by name; a value that JSON can hold in, one out. */
export type Commands = Record<string, (argument: never) => unknown>;

export interface Peer<C extends Commands> {
  pid: number;
  /** @throws Error with what the peer threw, or when it has ended */
  ask<K extends keyof C & string>(command: K, argument: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Question {
  id: number;
  command: string;
  argument: unknown;
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

const alive = new Set<ChildProcess>();
process.on("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

/** @param script whose last line is `answerCommands(commands)`; it runs on the cores of this process */
export function startPeer<C extends Commands>(script: string): Peer<C> {
  const child = spawn("sh", ["-c", withAllFiles, process.execPath, script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  alive.add(child);
  const waiting = new Map<number, (answer: Answer) => void>();
  const ended = new Promise<void>((settle) => child.on("close", () => settle()));
  void ended.then(() => {
    alive.delete(child);
    for (const [id, answer] of waiting) answer({ id, error: "the peer has ended" });
  });
  child.on("message", (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let questions = 0;
  return {
    pid: child.pid ?? -1,
    ask: (command, argument) =>
      new Promise((settle, reject) => {
        const question: Question = { id: questions++, command, argument };
        waiting.set(question.id, ({ value, error }) => {
          if (error === undefined) settle(value as never);
          else reject(new Error(`${command}: ${error}`));
        });
        child.send(question);
      }),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** For `sh -c`: the program and arguments that follow, with as many open files as are allowed at all. */
export const withAllFiles = 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"';

/** In the peer: answers until the bench ends. */
export function answerCommands(commands: Commands): void {
  process.on("message", ({ id, command, argument }: Question) => {
    void (async () => await commands[command]!(argument as never))().then(
      (value) => send({ id, value }),
      (error: unknown) => send({ id, error: error instanceof Error ? error.stack ?? error.message : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

function send(answer: Answer): void {
  process.send!(answer);
}

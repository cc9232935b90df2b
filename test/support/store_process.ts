// A process of its own that claims ids in a shared store. As a program: node:process arguments [store URL]; each line of
// standard input is a JSON list of ids, each line of standard output the list of those that it was the first to claim, or
// the text of the error.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createStore } from "../../lib/store/create_store.ts";
import { processLog } from "../../lib/telemetry/log.ts";

export interface StoreProcess {
  /** Claims them one after the other; resolves to those that were free. */
  claim(ids: string[]): Promise<string[]>;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
}

/** Starts it on the runtime that the test runs on, and waits until the store is open. */
export async function startStoreProcess(
  url: string,
  now: number,
  env: Record<string, string> = {},
): Promise<StoreProcess> {
  const run = "Bun" in globalThis ? [] : ["run", "-A", "--no-check"];
  const child = spawn(process.execPath, [...run, import.meta.filename!, url, `${now}`], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => JSON.parse((await lines.next()).value ?? '"the store process ended early"');
  if (await nextLine() !== "open") throw new Error("the store process did not open its store");
  return {
    async claim(ids) {
      child.stdin.write(JSON.stringify(ids) + "\n");
      const answer = await nextLine();
      if (typeof answer === "string") throw new Error(answer);
      return answer;
    },
    async kill() {
      const ended = once(child, "exit");
      process.kill(child.pid!, "SIGKILL");
      await ended;
    },
  };
}

if (import.meta.main) {
  const [url = "", now = ""] = process.argv.slice(2);
  const store = await createStore(url, { now: () => Number(now), log: processLog });
  const answer = (value: unknown) => process.stdout.write(JSON.stringify(value) + "\n");
  answer("open");
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      const claimed: string[] = [];
      for (const id of JSON.parse(line) as string[]) {
        if (await store.putIfAbsent(id, "spent", Number(now) + 600) === undefined) claimed.push(id);
      }
      answer(claimed);
    } catch (error) {
      answer(error instanceof Error ? `${error.message}: ${error.cause}` : "failed");
    }
  }
}

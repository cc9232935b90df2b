// Cores that never sleep. In a virtual machine an idle core is given back to the host, and waking it takes tens of microseconds,
// which then count as whatever is measured: an event that comes after 10 ms of quiet meets two sleeping cores. Linux only: chrt.
import { spawn } from "node:child_process";
import { onCores } from "./cores.ts";

/** Until it is disposed of, something runs on each core whenever nobody else wants to (SCHED_IDLE). */
export function keepAwake(cores: readonly number[]): AsyncDisposable {
  const children = cores.map((core) => {
    const [program = "", ...args] = onCores([core], ["chrt", "-i", "0", "sh", "-c", "while :; do :; done"]);
    return spawn(program, args, { stdio: "ignore" });
  });
  const ended = Promise.all(children.map((child) => new Promise<void>((settle) => child.on("close", () => settle()))));
  const kill = () => children.forEach((child) => child.kill("SIGKILL"));
  process.on("exit", kill);
  return {
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
      process.off("exit", kill);
    },
  };
}

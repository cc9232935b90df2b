// The line between the supervisor and a worker: JSON lines on the worker's standard input and output, the same both ways. Its
// end tells each side that the other one is gone, however that ended.
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { MetricsSnapshot } from "../telemetry/merged_metrics.ts";

type Message =
  | { say: "ready" }
  | { say: "ask"; id: number }
  | { say: "answer"; id: number; metrics: MetricsSnapshot }
  | { say: "failed"; id: number; reason: string };

export interface WorkerLink {
  /** The worker listens. */
  tellReady(): void;
  /** The metrics of the other side. @throws Error when they don't come within `timeoutMs`, or the other side is gone */
  askMetrics(timeoutMs: number): Promise<MetricsSnapshot>;
  /** Settles when the other side is gone. */
  ended: Promise<void>;
}

export interface LinkEnds {
  input: Readable;
  output: Writable;
  /** What this side answers. */
  metrics: () => Promise<MetricsSnapshot>;
  onReady?: () => void;
}

export function createWorkerLink({ input, output, metrics, onReady }: LinkEnds): WorkerLink {
  const waiting = new Map<number, PromiseWithResolvers<MetricsSnapshot>>();
  const gone = Promise.withResolvers<void>();
  let lastId = 0;

  function send(message: Message): void {
    if (output.writable) output.write(JSON.stringify(message) + "\n");
  }

  async function answer(id: number): Promise<void> {
    try {
      send({ say: "answer", id, metrics: await metrics() });
    } catch (error) {
      send({ say: "failed", id, reason: String(error) });
    }
  }

  function take(message: Message): void {
    if (message.say === "ready") onReady?.();
    else if (message.say === "ask") void answer(message.id);
    else if (message.say === "answer") waiting.get(message.id)?.resolve(message.metrics);
    else waiting.get(message.id)?.reject(new Error(message.reason));
  }

  output.on("error", () => {}); // the other side is gone, which the end of the input tells
  const lines = createInterface({ input });
  lines.on("line", (line) => line.startsWith('{"say":') && take(JSON.parse(line) as Message));
  lines.once("close", () => {
    gone.resolve();
    for (const { reject } of waiting.values()) reject(new Error("the process is gone"));
  });
  return {
    ended: gone.promise,
    tellReady: () => send({ say: "ready" }),
    async askMetrics(timeoutMs) {
      const id = ++lastId;
      const answer = Promise.withResolvers<MetricsSnapshot>();
      const timer = setTimeout(() => answer.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      waiting.set(id, answer);
      send({ say: "ask", id });
      try {
        return await answer.promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(id);
      }
    },
  };
}

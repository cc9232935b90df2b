// The tools of the demo MCP server: small, honest, and enough to see answers, progress and a long stream pass a proxy.
import { setTimeout as wait } from "node:timers/promises";

import { errorCode, JsonRpcError, type Params } from "./json_rpc.ts";

/** What a running tool may use. */
export interface ToolContext {
  /** Seconds since the epoch. */
  now: () => number;
  /** Tells the client how far it is; does nothing when the client did not ask. */
  progress: (step: { progress: number; total: number; message: string }) => void;
  /** Aborted when the client went away. */
  signal: AbortSignal;
}

interface Tool {
  title: string;
  description: string;
  properties: Record<
    string,
    { type: "string" | "number" | "integer"; description: string; minimum?: number; maximum?: number }
  >;
  required: string[];
  /** Whether it reports progress, so that its answer is worth a stream. */
  streams: boolean;
  run: (args: Params, context: ToolContext) => string | Promise<string>;
}

/** By name, in the order of tools/list. */
const tools: Readonly<Record<string, Tool>> = {
  echo: {
    title: "Echo",
    description: "Answers with the text it was given.",
    properties: { text: { type: "string", description: "What to answer" } },
    required: ["text"],
    streams: false,
    run: ({ text }) => String(text),
  },
  add: {
    title: "Add",
    description: "Adds two numbers.",
    properties: {
      a: { type: "number", description: "First number" },
      b: { type: "number", description: "Second number" },
    },
    required: ["a", "b"],
    streams: false,
    run: ({ a, b }) => String(Number(a) + Number(b)),
  },
  time: {
    title: "Time",
    description: "Tells the server's time as an ISO 8601 date in UTC.",
    properties: {},
    required: [],
    streams: false,
    run: (_, { now }) => new Date(now() * 1000).toISOString(),
  },
  slow: {
    title: "Slow",
    description: "Works for some seconds and reports progress once a step.",
    properties: {
      seconds: { type: "number", description: "How long in all; 5 when absent", minimum: 0, maximum: 600 },
      steps: { type: "integer", description: "In how many steps; 5 when absent", minimum: 1, maximum: 1000 },
    },
    required: [],
    streams: true,
    run: async ({ seconds = 5, steps = 5 }, context) => {
      await countUp(Number(steps), Number(seconds) * 1000 / Number(steps), context);
      return `Done after ${seconds} seconds in ${steps} steps.`;
    },
  },
  stream: {
    title: "Stream",
    description: "Sends a long stream of progress notifications.",
    properties: {
      count: { type: "integer", description: "How many; 100 when absent", minimum: 1, maximum: 100000 },
      interval_ms: {
        type: "integer",
        description: "Milliseconds between them; 100 when absent",
        minimum: 0,
        maximum: 60000,
      },
    },
    required: [],
    streams: true,
    run: async ({ count = 100, interval_ms = 100 }, context) => {
      await countUp(Number(count), Number(interval_ms), context);
      return `Sent ${count} notifications.`;
    },
  },
};

/** The `tools` of a tools/list result. */
export function listTools(): Params[] {
  return Object.entries(tools).map(([name, { title, description, properties, required }]) => ({
    name,
    title,
    description,
    inputSchema: {
      type: "object",
      properties,
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  }));
}

/** Whether a call of this tool is answered as a stream where the client takes one. */
export function isStreamingTool(name: unknown): boolean {
  return typeof name === "string" && Object.hasOwn(tools, name) && tools[name]!.streams;
}

/**
 * Runs one tool and returns its CallToolResult. Wrong arguments are a result with `isError`, which a model can correct.
 * @throws JsonRpcError `invalidParams` for a tool that does not exist
 */
export async function callTool(params: Params, context: ToolContext): Promise<Params> {
  const { name, arguments: args = {} } = params;
  const tool = typeof name === "string" && Object.hasOwn(tools, name) ? tools[name] : undefined;
  if (!tool) throw new JsonRpcError(errorCode.invalidParams, `unknown tool: ${String(name)}`);
  const problem = findProblem(tool, args as Params);
  const text = problem ?? await tool.run(args as Params, context);
  return { content: [{ type: "text", text }], isError: problem !== undefined };
}

/** The first argument that the tool's schema does not allow, as a sentence. */
function findProblem(tool: Tool, args: Params): string | undefined {
  const absent = tool.required.find((name) => args[name] === undefined);
  if (absent) return `The argument ${absent} is missing.`;
  for (const [name, value] of Object.entries(args)) {
    const rule = tool.properties[name];
    if (!rule) return `There is no argument ${name}.`;
    if (!isOfType(value, rule.type)) return `The argument ${name} must be of type ${rule.type}.`;
    if (Number(value) < (rule.minimum ?? -Infinity) || Number(value) > (rule.maximum ?? Infinity)) {
      return `The argument ${name} must be from ${rule.minimum} to ${rule.maximum}.`;
    }
  }
  return undefined;
}

function isOfType(value: unknown, type: "string" | "number" | "integer"): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === "number" ? typeof value === "number" : typeof value === "string";
}

async function countUp(total: number, intervalMs: number, { progress, signal }: ToolContext): Promise<void> {
  for (let step = 1; step <= total; step++) {
    await wait(intervalMs, undefined, { signal });
    progress({ progress: step, total, message: `Step ${step} of ${total}` });
  }
}

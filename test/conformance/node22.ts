// The conformance suite needs Node 22 or newer, whatever runs the tests; the npm package `node` brings one.
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { type RunningProgram, startProgram } from "../support/program.ts";

const folderOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const node = join(folderOf("node"), "bin/node");
const suite = join(folderOf("@modelcontextprotocol/conformance"), "dist/index.js");

export interface RunningScript {
  /** What it printed first: where it listens. */
  url: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server of this folder under Node 22 and waits until it has printed its URL. */
export async function startScript(script: string, ...args: string[]): Promise<RunningScript> {
  const program = startProgram(args, { command: [node, resolve(import.meta.dirname!, script)] });
  const [url] = await program.waitFor(/http:\S+(?=\n)/);
  return { url, [Symbol.asyncDispose]: () => program.destroy() };
}

/** Starts the conformance suite; `preload` is a module of this folder that Node loads before it. */
export function startSuite(args: string[], { preload }: { preload?: string } = {}): RunningProgram {
  const first = preload === undefined ? [] : ["--import", resolve(import.meta.dirname!, preload)];
  return startProgram(args, { command: [node, ...first, suite] });
}

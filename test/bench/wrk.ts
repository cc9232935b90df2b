// wrk (https://github.com/wg/wrk) as load generator: fast enough to share a core with the downstream.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { programPath } from "../support/programs.ts";

export interface WrkRequest {
  url: string;
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** Instead of one Authorization header: a file with one token a line, sent in turn. */
  tokenFile?: string;
}

export interface WrkOptions {
  connections: number;
  seconds: number;
  /** For its script. */
  folder: string;
}

export interface WrkResult {
  requests: number;
  requestsPerSecond: number;
  /** Other statuses than 2xx and 3xx, and requests that got no answer. */
  wrong: number;
  /** Microseconds. */
  p50: number;
  p99: number;
}

/** @throws Error with what wrk printed when it fails */
export async function runWrk(request: WrkRequest, options: WrkOptions): Promise<WrkResult> {
  const script = join(options.folder, "wrk.lua");
  writeFileSync(script, luaScript(request));
  const args = [
    "-t1",
    `-c${options.connections}`,
    `-d${Math.max(1, Math.round(options.seconds))}s`,
    "--timeout",
    "10s",
    "-s",
    script,
    request.url,
  ];
  const output = await outputOf(programPath("wrk"), args);
  const line = /^RESULT (.*)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error(`wrk printed no result:\n${output}`);
  const [requests = 0, microseconds = 0, wrong = 0, p50 = 0, p99 = 0] = line.split(" ").map(Number);
  return { requests, requestsPerSecond: requests / (microseconds / 1e6), wrong, p50, p99 };
}

function luaScript({ method, headers, body, tokenFile }: WrkRequest): string {
  const lines = [`wrk.method = ${quoted(method)}`];
  if (body !== undefined) lines.push(`wrk.body = ${quoted(body)}`);
  for (const [name, value] of Object.entries(headers)) lines.push(`wrk.headers[${quoted(name)}] = ${quoted(value)}`);
  if (tokenFile !== undefined) lines.push(tokensInTurn(tokenFile));
  return `${lines.join("\n")}
function done(summary, latency)
  local e = summary.errors
  local wrong = e.connect + e.read + e.write + e.timeout + e.status
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, wrong,
    latency:percentile(50), latency:percentile(99)))
end
`;
}

/** Requests are made beforehand: what remains to do for one is to take the next from a list. */
function tokensInTurn(file: string): string {
  return `local requests, at = {}, 0
function init()
  for token in io.lines(${quoted(file)}) do
    wrk.headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format()
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end`;
}

/** A Lua string; JSON's escapes are Lua's for the characters used here. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((settle, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => output += chunk);
    }
    child.on("error", reject);
    child.on("close", (code) => code === 0 ? settle(output) : reject(new Error(`wrk ended with ${code}:\n${output}`)));
  });
}

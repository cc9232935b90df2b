// The proxy as users run it: a process of its own. The compiled binary where MCP_OAUTH_PROXY_BIN names it, else the runtime
// that runs the test.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./free_port.ts";

const root = resolve(import.meta.dirname!, "../..");

export interface ProxyProcess {
  /** Origin that clients use: http://127.0.0.1:PORT. */
  url: string;
  port: number;
  pid: number;
  /** All that it has printed so far. */
  output(): string;
  /** Settles when the log has this event; rejects when the process ends first. */
  logged(event: string): Promise<void>;
  /** SIGTERM (or another), then the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ProxyOptions {
  /** TOML after the [server] table, which is written here; `%PORT%` stands for the proxy's own port. */
  toml: string;
  /** Lines of the [server] table besides host, port, public_url and state_secret. */
  server?: string;
  /** A fixed port and secret make a second process that takes over from a first. */
  port?: number;
  stateSecret?: string;
  env?: Record<string, string>;
  logLevel?: string;
}

/** Program and first arguments that run the command line under test. */
export function proxyCommand(): [program: string, ...args: string[]] {
  const binary = process.env.MCP_OAUTH_PROXY_BIN;
  if (binary) return [binary];
  if ("Bun" in globalThis) return [process.execPath, join(root, "main.ts")];
  return [process.execPath, "run", "--no-check", "--permission-set=serve", join(root, "main.ts")];
}

/** Starts `serve` on loopback and waits until it listens. */
export async function startProxy(options: ProxyOptions): Promise<ProxyProcess> {
  const port = options.port ?? await freePort();
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-"));
  const config = join(folder, "config.toml");
  writeFileSync(
    config,
    `[server]
host = "127.0.0.1"
port = ${port}
public_url = "http://127.0.0.1:${port}"
state_secret = "${options.stateSecret ?? randomBytes(32).toString("base64")}"
${options.server ?? ""}
${options.toml.replaceAll("%PORT%", String(port))}
`,
  );
  const [program, ...args] = proxyCommand();
  const child = spawn(program, [...args, "serve", "-c", config], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: folder, LOG_LEVEL: options.logLevel ?? "info", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const waiting = new Set<() => void>();
  const heard = (chunk: Buffer) => {
    output += chunk;
    for (const look of waiting) look();
  };
  child.stdout.on("data", heard);
  child.stderr.on("data", heard);
  const ended = new Promise<number | null>((settle) =>
    child.on("close", (code) => {
      rmSync(folder, { recursive: true, force: true });
      settle(code);
    })
  );
  const logged = (event: string) =>
    new Promise<void>((settle, reject) => {
      const look = () => {
        if (!output.includes(event)) return;
        waiting.delete(look);
        settle();
      };
      waiting.add(look);
      look();
      ended.then((code) => reject(new Error(`the proxy ended with ${code} before ${event}:\n${output}`)));
    });
  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    // Not child.kill: Deno then reports no exit code, whatever the process ends with.
    if (child.exitCode === null && child.pid !== undefined) process.kill(child.pid, signal);
    return ended;
  };
  await logged("server_started");
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: child.pid!,
    output: () => output,
    logged,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
    },
  };
}

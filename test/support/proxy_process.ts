// The proxy as users run it: a process of its own. The compiled binary where MCP_OAUTH_PROXY_BIN names it, else the runtime
// that runs the test.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { programCommand, startProgram } from "./program.ts";

export interface ProxyProcess {
  /** Origin that clients use: http://127.0.0.1:PORT. */
  url: string;
  port: number;
  pid: number;
  /** The file that it was started with, and that SIGHUP makes it read again. */
  configPath: string;
  /** All that has arrived here of what it printed. Log lines come some milliseconds late: see `settledOutput`. */
  output(): string;
  /** All that it has printed about what was answered before this call. */
  settledOutput(): Promise<string>;
  /** Settles when the log has this event; rejects when the process ends first, or after 30 s. */
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
  /** Where a reverse proxy in front of it listens; its own address when absent. */
  publicUrl?: string;
  env?: Record<string, string>;
  logLevel?: string;
  /** `--workers`: so many processes that share the port. */
  workers?: number;
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
public_url = "${options.publicUrl ?? `http://127.0.0.1:${port}`}"
state_secret = "${options.stateSecret ?? randomBytes(32).toString("base64")}"
${options.server ?? ""}
${options.toml.replaceAll("%PORT%", String(port))}
`,
  );
  const workers = options.workers === undefined ? [] : ["--workers", `${options.workers}`];
  const program = startProgram(["serve", "-c", config, ...workers], {
    ...(options.workers === undefined ? {} : { command: mayStartPrograms(programCommand()) }),
    env: {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      LOG_LEVEL: options.logLevel ?? "info",
      ...options.env,
    },
  });
  const ended = program.ended.then(({ code }) => {
    rmSync(folder, { recursive: true, force: true });
    return code;
  });
  const logged = async (event: string) => void await program.waitFor(new RegExp(event));
  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    program.kill(signal);
    return ended;
  };
  await logged(options.workers === undefined ? "server_started" : "workers_ready");
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    pid: program.pid,
    configPath: config,
    output: program.output,
    async settledOutput() {
      const marker = `/settled-${randomBytes(8).toString("hex")}`;
      await fetch(url + marker);
      await logged(marker); // lines keep their order
      return program.output();
    },
    logged,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
    },
  };
}

/** On Deno starting programs takes a permission more. */
function mayStartPrograms(command: string[]): string[] {
  return command.flatMap((word) => word === "--allow-net" ? [word, "--allow-run"] : [word]);
}

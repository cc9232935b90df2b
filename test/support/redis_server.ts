// A real redis-server on a free loopback port, without persistence, in a folder of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free_port.ts";
import { programPath } from "./programs.ts";

export interface RedisServer {
  url: string;
  port: number;
  /** Ends it as kill -9 does. It forgets everything. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
  /** Stops and continues the process: its connections hang meanwhile. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

export interface RedisServerOptions {
  password?: string;
  /** Paths of PEM files; the port then speaks TLS only. */
  tls?: { certificate: string; key: string; authority: string };
}

export async function startRedis({ password, tls }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "redis-server-"));
  const port = await freePort();
  const listen = tls === undefined ? ["--port", `${port}`] : [
    ...["--port", "0", "--tls-port", `${port}`, "--tls-auth-clients", "no"],
    ...["--tls-cert-file", tls.certificate, "--tls-key-file", tls.key, "--tls-ca-cert-file", tls.authority],
  ];
  const options = [...listen, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  if (password !== undefined) options.push("--requirepass", password);
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn(programPath("redis-server"), options, { stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: child.stdout! })) {
      if (line.includes("Ready to accept connections")) break;
      if (line.includes("Failed")) throw new Error(`redis-server did not start: ${line}`);
    }
    child.stdout!.resume();
  }

  async function kill(): Promise<void> {
    if (child === undefined) return;
    const ended = once(child, "exit");
    process.kill(child.pid!, "SIGKILL"); // not child.kill(): Deno sends a second signal to no one
    child = undefined;
    await ended;
  }

  await start();
  return {
    url: `redis${tls === undefined ? "" : "s"}://${password === undefined ? "" : `:${password}@`}127.0.0.1:${port}/0`,
    port,
    kill,
    start,
    signal: (signal) => void process.kill(child!.pid!, signal),
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

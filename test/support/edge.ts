// A reverse proxy in front of something on loopback: nginx, Caddy or HAProxy as Debian has them, with a configuration made here.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "node:net";
import { type RunningProgram, startProgram } from "./program.ts";
import { programPath } from "./programs.ts";

export interface EdgeOptions {
  kind: "nginx" | "caddy" | "haproxy";
  /** It listens here, on 127.0.0.1. */
  port: number;
  /** It forwards to here. */
  to: number;
  /** Lines beside the block that forwards. */
  server?: string;
  /** Lines in the block that forwards. */
  forward?: string;
  /** Which paths are forwarded; everything when absent. */
  path?: string;
}

/** Starts it, and waits until it takes connections. */
export async function startEdge(options: EdgeOptions): Promise<AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), "edge-"));
  const program = start[options.kind](options, folder);
  await listening(options.port, program);
  return {
    async [Symbol.asyncDispose]() {
      await program.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const start = { nginx: startNginx, caddy: startCaddy, haproxy: startHaproxy };

function startNginx({ port, to, server = "", forward = "", path = "/" }: EdgeOptions, folder: string): RunningProgram {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) =>
    `${kind}_temp_path ${join(folder, kind)};`
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http {
  access_log off; ${temporary.join(" ")}
  server {
    listen 127.0.0.1:${port};
    ${server}
    location ${path} {
      proxy_pass http://127.0.0.1:${to};
      ${forward.includes("proxy_http_version") ? "" : "proxy_http_version 1.1;"}
      ${forward.includes("proxy_set_header Host") ? "" : "proxy_set_header Host $http_host;"}
      ${forward}
    }
  }
}
`,
  );
  return startProgram(["-p", folder, "-c", join(folder, "nginx.conf")], { command: [programPath("nginx")] });
}

function startCaddy({ port, to, server = "", forward = "", path = "" }: EdgeOptions, folder: string): RunningProgram {
  mkdirSync(join(folder, "home"));
  const file = join(folder, "Caddyfile");
  writeFileSync(
    file,
    `{
	admin off
	auto_https off
}
http://127.0.0.1:${port} {
	bind 127.0.0.1
	${server}
	reverse_proxy ${path} 127.0.0.1:${to} {
		${forward}
	}
}
`,
  );
  return startProgram(["run", "--config", file, "--adapter", "caddyfile"], {
    command: [programPath("caddy")],
    env: { PATH: process.env.PATH ?? "", HOME: join(folder, "home") },
  });
}

function startHaproxy({ port, to, server = "", forward = "" }: EdgeOptions, folder: string): RunningProgram {
  writeFileSync(
    join(folder, "haproxy.cfg"),
    `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend edge
  bind 127.0.0.1:${port}
  ${server}
  default_backend proxy
backend proxy
  http-reuse always
  ${forward}
  server proxy 127.0.0.1:${to}
`,
  );
  return startProgram(["-db", "-f", join(folder, "haproxy.cfg")], { command: [programPath("haproxy")] });
}

/** @throws Error with what it printed, when it ends before */
async function listening(port: number, program: RunningProgram): Promise<void> {
  let ended = false;
  void program.ended.then(() => ended = true);
  while (!(await connects(port))) {
    if (ended) throw new Error(`the reverse proxy has ended:\n${program.output()}`);
    await new Promise((settle) => setTimeout(settle, 20));
  }
}

function connects(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      settle(true);
    });
    socket.once("error", () => settle(false));
  });
}

// The reverse proxies that ours is compared with, each as fast as it goes on one core: connections to the downstream are kept,
// nothing is logged. They check nothing and change nothing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free_port.ts";
import { findProgram, programPath } from "../support/programs.ts";
import type { Contender } from "./contender.ts";
import { nginxConfig } from "./nginx_config.ts";
import type { Settings } from "./section.ts";
import { startPinned } from "./started_process.ts";

export type RivalName = "nginx" | "haproxy" | "caddy";

type RivalContender = Contender & Required<Pick<Contender, "process">>;

export interface RivalOptions {
  /** URL of the downstream; https with nginx only. */
  target: string;
  /** nginx alone: more directives for its one location. */
  nginxLocation?: string;
}

/** Starts it in front of `target`. @throws Error when the program is missing */
export async function startRival(
  name: RivalName,
  { cores, folder }: Settings,
  { target, nginxLocation = "" }: RivalOptions,
): Promise<RivalContender> {
  const port = await freePort();
  const { protocol, host, pathname } = new URL(target);
  const file = join(folder, `${name}-${port}.conf`);
  const { config, args, env } = rivals[name]({ folder, file, port, protocol, host, nginxLocation });
  writeFileSync(file, config);
  const url = `http://127.0.0.1:${port}${pathname}`;
  const command = [programPath(name), ...args];
  const process = await startPinned({
    name: `${name}-${port}`,
    command,
    cores: [cores.proxy],
    folder,
    env,
    port,
  });
  return { name: labels[name], url, process };
}

export function isInstalled(name: RivalName): boolean {
  return findProgram(name) !== undefined;
}

const labels: Record<RivalName, string> = {
  nginx: "nginx proxy_pass",
  haproxy: "HAProxy",
  caddy: "Caddy reverse_proxy",
};

interface Place {
  folder: string;
  file: string;
  port: number;
  /** Of the downstream: "http:", and host:port. */
  protocol: string;
  host: string;
  nginxLocation: string;
}

type Rival = (place: Place) => { config: string; args: string[]; env?: Record<string, string> };

const rivals: Record<RivalName, Rival> = {
  nginx: ({ folder, file, port, protocol, host, nginxLocation }) => ({
    config: nginxConfig(
      folder,
      `nginx-${port}`,
      `upstream downstream { server ${host}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass ${protocol}//downstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
      ${nginxLocation}
    }
  }`,
    ),
    args: ["-p", folder, "-e", "stderr", "-c", file],
  }),
  haproxy: ({ file, port, host }) => ({
    config: `global
  nbthread 1
  maxconn 9900
defaults
  mode http
  http-reuse always
  option http-keep-alive
  option abortonclose
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend front
  bind 127.0.0.1:${port}
  default_backend downstream
backend downstream
  server one ${host}
`,
    args: ["-db", "-f", file],
  }),
  caddy: ({ file, port, host }) => ({
    config: `{
	admin off
	auto_https off
	log {
		output discard
	}
}
http://127.0.0.1:${port} {
	reverse_proxy ${host} {
		flush_interval -1
		transport http {
			keepalive_idle_conns_per_host 256
		}
	}
}
`,
    args: ["run", "--config", file, "--adapter", "caddyfile"],
    env: { GOMAXPROCS: "1" },
  }),
};

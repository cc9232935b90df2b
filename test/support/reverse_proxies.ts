// Reverse proxies as users run them: the very files of deploy/, with other names, addresses and paths.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { type RunningProgram, startProgram } from "./program.ts";
import { sendTo } from "./host_request.ts";
import { findProgram, needs, programPath } from "./programs.ts";
import { testCertificates, testServerKey } from "./test_certificates.ts";

export type ReverseProxyKind = "nginx" | "caddy" | "haproxy" | "envoy" | "traefik";

/**
 * For `{ skip }`. No package of Debian has the last two, so a test that they are missing for is nothing to report; but for Envoy in
 * CI, which fetches it where there is a wheel.
 */
export function withoutReverseProxy(kind: ReverseProxyKind): string | undefined {
  if (kind !== "envoy" && kind !== "traefik") return needs(kind);
  if (!("Bun" in globalThis) || process.env.MCP_OAUTH_PROXY_BIN) return "once is enough";
  if (kind === "envoy" && process.env.CI === "true" && process.arch === "x64") return needs(kind);
  return findProgram(kind) === undefined ? `${kind} is not on the PATH` : undefined;
}

export interface ReverseProxyOptions {
  /** Below deploy/. */
  file: string;
  /** Where it listens; a free port when absent. */
  port?: number;
  /** Text of the file and what a user would write instead; each has to be there. */
  replace: Record<string, string>;
}

export interface ReverseProxy {
  port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

const deploy = resolve(import.meta.dirname!, "../../deploy");

/** Starts it without TLS on loopback, and waits until it listens. */
export async function startReverseProxy(kind: ReverseProxyKind, options: ReverseProxyOptions): Promise<ReverseProxy> {
  const port = options.port ?? await freePort();
  const folder = mkdtempSync(join(tmpdir(), `mcp-oauth-proxy-${kind}-`));
  const { args, replace, file = "site" } = starters[kind](folder, port);
  const written = readFileSync(join(deploy, options.file), "utf8");
  const site = replaceAll(written, [...replace, ...Object.entries(options.replace)]);
  writeFileSync(join(folder, file), site);
  const program = startProgram(args, {
    command: [programPath(kind)],
    cwd: folder,
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  await untilListening(port, program);
  if (kind === "traefik") await untilRouted(port, /Host\(`([^`]+)`\)/.exec(site)![1]!);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await program.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Replacement = [from: string | RegExp, to: string];
type Starter = (folder: string, port: number) => { args: string[]; file?: string; replace: Replacement[] };

const starters: Record<ReverseProxyKind, Starter> = {
  nginx(folder, port) {
    writeFileSync(join(folder, "certificate.pem"), testCertificates.valid);
    writeFileSync(join(folder, "key.pem"), testServerKey);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
    // As root, workers would be somebody who may not read the folder.
    const user = process.getuid?.() === 0 ? "user root;" : "";
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; master_process off; ${user} pid ${folder}/pid; error_log stderr warn;
events {}
http { access_log off; ${temporary} include ${folder}/site; }
`,
    );
    return {
      args: ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")],
      replace: [
        ["listen 443 ssl;", `listen 127.0.0.1:${port};`],
        [/ssl_certificate .*;/, `ssl_certificate ${folder}/certificate.pem;`],
        [/ssl_certificate_key .*;/, `ssl_certificate_key ${folder}/key.pem;`],
      ],
    };
  },
  caddy(folder, port) {
    writeFileSync(join(folder, "Caddyfile"), `{\n\tadmin off\n\tauto_https off\n}\nimport ${folder}/site\n`);
    return {
      args: ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"],
      // A site is its address: the name in front of the first brace.
      replace: [[/^([\w.-]+) \{$/m, `http://$1:${port} {\n\tbind 127.0.0.1`]],
    };
  },
  haproxy(folder, port) {
    return {
      args: ["-db", "-f", join(folder, "site")],
      replace: [
        [/bind :443 ssl crt .*/, `bind 127.0.0.1:${port}`],
        ["/etc/haproxy/forward-auth.lua", join(deploy, "haproxy/forward-auth.lua")],
      ],
    };
  },
  envoy(folder, port) {
    return {
      args: ["-c", join(folder, "site.yaml"), "--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"],
      file: "site.yaml",
      replace: [["address: 0.0.0.0, port_value: 443", `address: 127.0.0.1, port_value: ${port}`]],
    };
  },
  traefik(folder, port) {
    return {
      args: [
        `--entryPoints.web.address=127.0.0.1:${port}`,
        `--providers.file.filename=${join(folder, "site.yaml")}`,
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
      ],
      file: "site.yaml",
      replace: [[/^ +tls: \{\}\n/gm, ""]],
    };
  },
};

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  for (const [from, to] of replacements) {
    const replaced = typeof from === "string" ? text.replaceAll(from, to) : text.replace(from, to);
    if (replaced === text) throw new Error(`the file does not hold ${from} any more`);
    text = replaced;
  }
  return text;
}

/** Traefik listens before it has read its routes. */
async function untilRouted(port: number, host: string): Promise<void> {
  await eventually(async () => {
    const { status } = await sendTo(port, "/mcp", { host });
    if (status === 404) throw new Error("no routes yet");
  });
}

async function untilListening(port: number, program: RunningProgram): Promise<void> {
  let ended = false;
  void program.ended.then(() => ended = true, () => ended = true);
  const failure = await eventually(async () => {
    if (ended) return new Error(`the reverse proxy ended:\n${program.output()}`);
    await new Promise<void>((settle, reject) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        settle();
      });
      socket.on("error", reject);
    });
    return undefined;
  });
  if (failure !== undefined) throw failure;
}

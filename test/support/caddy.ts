// Caddy with a test certificate: real TLS in front of the proxy, on loopback.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isReachable } from "../../lib/runtime/reachability.ts";
import { eventually } from "./eventually.ts";
import { programPath } from "./programs.ts";
import { testCertificates, testServerKey } from "./test_certificates.ts";

export interface Caddy {
  [Symbol.asyncDispose](): Promise<void>;
}

/** @param sites what it answers on `port`, per host name: lines of a Caddyfile's site */
export async function startCaddy(port: number, sites: Record<string, string>): Promise<Caddy> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-caddy-"));
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  writeFileSync(certificate, testCertificates.valid);
  writeFileSync(key, testServerKey);
  const site = ([host, lines]: [string, string]) =>
    `https://${host}:${port} {\n  bind 127.0.0.1\n  tls ${certificate} ${key}\n  ${lines}\n}\n`;
  const caddyfile = join(folder, "Caddyfile");
  writeFileSync(caddyfile, `{\n  admin off\n  auto_https off\n}\n${Object.entries(sites).map(site).join("")}`);
  const child = spawn(programPath("caddy"), ["run", "--config", caddyfile, "--adapter", "caddyfile"], {
    env: { PATH: process.env.PATH ?? "", HOME: folder },
    stdio: "ignore",
  });
  const ended = new Promise<void>((settle) => child.on("close", () => settle()));
  await eventually(async () => {
    if (!await isReachable(new URL(`http://127.0.0.1:${port}`), 500)) throw new Error("caddy does not listen");
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

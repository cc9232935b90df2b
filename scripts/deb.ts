// bun scripts/deb.ts ARCHITECTURE BINARY FOLDER [LEVEL]: a Debian package (amd64 or arm64) of a binary that `npm run build` made; LEVEL is
// gzip's, 6 when absent.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const project = resolve(import.meta.dirname!, "..");
const configPath = "/etc/mcp-oauth-proxy/config.toml";

/** Not a working configuration: the public URL and the server are examples. The secret is made when the package is installed. */
function config(): string {
  return readFileSync(join(project, "lib/config/example.toml"), "utf8")
    .replace(/^state_secret = .*$/m, 'state_secret = "file:/run/credentials/mcp-oauth-proxy.service/secrets_state"')
    .replace(/^# \[store\]\n# (url = "sqlite:\S+")/m, "[store]\n$1");
}

const postinst = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  secret="$DPKG_ROOT/etc/mcp-oauth-proxy/secrets/state"
  if [ ! -e "$secret" ]; then
    (umask 077 && head -c 32 /dev/urandom | base64 >"$secret")
  fi
  if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # After an upgrade; a first installation has no configuration yet.
    systemctl try-restart mcp-oauth-proxy.service
    [ -n "$2" ] || echo "Edit ${configPath}, then: systemctl enable --now mcp-oauth-proxy"
  fi
fi
`;
const prerm = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
  systemctl disable --now mcp-oauth-proxy.service
fi
`;
const postrm = `#!/bin/sh
set -e
if [ "$1" = purge ]; then
  rm -rf "$DPKG_ROOT/etc/mcp-oauth-proxy/secrets" "$DPKG_ROOT/var/lib/private/mcp-oauth-proxy" "$DPKG_ROOT/var/lib/mcp-oauth-proxy"
  rmdir --ignore-fail-on-non-empty "$DPKG_ROOT/etc/mcp-oauth-proxy" 2>/dev/null || true
fi
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`;

/** What `npm run build` calls the binary of each architecture. */
const targets: Record<string, string> = { amd64: "linux-x64-baseline", arm64: "linux-arm64" };

process.exitCode = main(process.argv.slice(2));

function main([architecture = "", binary = "", folder = "", level = "6"]: string[]): number {
  if (!(architecture in targets) || binary === "" || folder === "") {
    console.error("Usage: bun scripts/deb.ts amd64|arm64 BINARY FOLDER [LEVEL]");
    return 2;
  }
  if (architectureOf(binary) !== architecture) {
    console.error(`${binary} is no ${architecture} program; build one with: npm run build -- ${targets[architecture]}`);
    return 1;
  }
  const { version } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as { version: string };
  const file = join(folder, `mcp-oauth-proxy_${version}_${architecture}.deb`);
  const tree = mkdtempSync(join(tmpdir(), "deb-"));
  try {
    fillTree(tree, binary);
    writeControl(tree, { architecture, version, kilobytes: Math.ceil(statSync(binary).size / 1024) });
    const { status } = spawnSync("dpkg-deb", ["--root-owner-group", "-Zgzip", `-z${level}`, "--build", tree, file], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    return status ?? 1;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

/** From the ELF header (e_machine, bytes 18 and 19); undefined for anything else. */
function architectureOf(binary: string): string | undefined {
  const header = readFileSync(binary).subarray(0, 20);
  if (header.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  return { 0x3e: "amd64", 0xb7: "arm64" }[header.readUInt16LE(18)];
}

function fillTree(tree: string, binary: string): void {
  chmodSync(tree, 0o755);
  put(tree, "/usr/bin/mcp-oauth-proxy", { mode: 0o755, copyOf: binary });
  put(tree, "/lib/systemd/system/mcp-oauth-proxy.service", {
    copyOf: join(project, "deploy/systemd/mcp-oauth-proxy.service"),
  });
  put(tree, configPath, { text: config() });
  put(tree, "/usr/share/doc/mcp-oauth-proxy/copyright", { copyOf: join(project, "LICENSE") });
  const secrets = join(tree, "etc/mcp-oauth-proxy/secrets");
  mkdirSync(secrets);
  chmodSync(secrets, 0o700);
}

function writeControl(
  tree: string,
  { architecture, version, kilobytes }: { architecture: string; version: string; kilobytes: number },
): void {
  const control = `Package: mcp-oauth-proxy
Version: ${version}
Architecture: ${architecture}
Maintainer: mcp-oauth-proxy <noreply@users.noreply.github.com>
Section: web
Priority: optional
Installed-Size: ${kilobytes}
Depends: libc6
Recommends: ca-certificates
Description: OAuth in front of MCP servers
 To MCP clients it is an OAuth 2.1 authorization server and protected
 resource; to the MCP server behind it, it speaks what that one accepts.
`;
  put(tree, "/DEBIAN/control", { text: control });
  put(tree, "/DEBIAN/conffiles", { text: `${configPath}\n` });
  for (const [name, text] of Object.entries({ postinst, prerm, postrm })) {
    put(tree, `/DEBIAN/${name}`, { text, mode: 0o755 });
  }
}

function put(
  tree: string,
  path: string,
  { text, copyOf, mode = 0o644 }: { text?: string; copyOf?: string; mode?: number },
): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
  if (copyOf !== undefined) copyFileSync(copyOf, file);
  else writeFileSync(file, text ?? "");
  chmodSync(file, mode);
}

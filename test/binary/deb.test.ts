// The Debian package: built from the binary, installed into a root of its own, removed and purged.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { needs, programPath } from "../support/programs.ts";

const project = resolve(import.meta.dirname!, "../..");
const skip = process.getuid?.() === 0 ? needs("dpkg-deb", "dpkg") : "needs root";

let folder: string;
let deb: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "deb-test-"));
  if (skip) return;
  const built = build("amd64", process.env.MCP_OAUTH_PROXY_BIN!);
  assert.equal(built.status, 0, built.stderr);
  deb = join(folder, readdirSync(folder).find((file) => file.endsWith("_amd64.deb"))!);
});
after(() => rmSync(folder, { recursive: true, force: true }));

function build(architecture: string, binary: string) {
  const args = [join(project, "scripts/deb.ts"), architecture, binary, folder, "1"]; // 3 s less of packing than the default
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

const listing = (file: string) =>
  spawnSync("dpkg-deb", ["--contents", file], { encoding: "utf8" }).stdout.trim().split("\n");

/** dpkg on a root of its own; the scripts see it as DPKG_ROOT and run without a chroot. */
function dpkg(root: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(
    programPath("dpkg"),
    [`--root=${root}`, "--force-script-chrootless", "--force-depends", ...args],
    { encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" } },
  );
  assert.equal(status, 0, stdout + stderr);
}

test(
  "the package installs into a fresh root, makes its own secret, and leaves nothing when it is purged",
  { skip },
  () => {
    const root = join(folder, "root");
    for (const path of ["var/lib/dpkg/info", "var/lib/dpkg/updates"]) mkdirSync(join(root, path), { recursive: true });
    for (const file of ["status", "available"]) writeFileSync(join(root, "var/lib/dpkg", file), "");
    const secret = join(root, "etc/mcp-oauth-proxy/secrets/state");

    dpkg(root, "-i", deb);
    const run = spawnSync(join(root, "usr/bin/mcp-oauth-proxy"), ["--version"], { encoding: "utf8" });
    assert.match(run.stdout, /^mcp-oauth-proxy \d/);
    assert.equal(statSync(secret).mode & 0o777, 0o600);
    assert.equal(statSync(join(secret, "..")).mode & 0o777, 0o700);
    const text = readFileSync(join(root, "etc/mcp-oauth-proxy/config.toml"), "utf8");
    const paths: string[] = [];
    const config = parseConfig(text, {}, (path) => {
      paths.push(path);
      return readFileSync(secret, "utf8");
    });
    assert.deepEqual(paths, ["/run/credentials/mcp-oauth-proxy.service/secrets_state"]);
    assert.equal(config.store.url.reveal(), "sqlite:/var/lib/mcp-oauth-proxy/state.db");

    const first = readFileSync(secret, "utf8");
    dpkg(root, "-i", deb);
    assert.equal(readFileSync(secret, "utf8"), first, "an upgrade keeps the secret");
    dpkg(root, "--remove", "mcp-oauth-proxy");
    assert.ok(!existsSync(join(root, "usr/bin/mcp-oauth-proxy")));
    assert.equal(readFileSync(secret, "utf8"), first, "removed, not purged");
    dpkg(root, "--purge", "mcp-oauth-proxy");
    assert.ok(!existsSync(join(root, "etc/mcp-oauth-proxy")));
  },
);

test("the package holds no secret, its files are root's, and its scripts are valid", { skip }, () => {
  assert.deepEqual(listing(deb).filter((line) => !/ root\/root /.test(line)), []);
  assert.deepEqual(listing(deb).filter((line) => /secrets\/./.test(line)), []);
  const control = join(folder, "control");
  spawnSync("dpkg-deb", ["--control", deb, control]);
  assert.equal(readFileSync(join(control, "conffiles"), "utf8"), "/etc/mcp-oauth-proxy/config.toml\n");
  for (const script of ["postinst", "prerm", "postrm"]) {
    assert.equal(spawnSync("sh", ["-n", join(control, script)]).status, 0, script);
  }
});

test("the arm64 package is for arm64 and holds the same files; a binary for another CPU is refused", { skip }, () => {
  // As much of a program as the script looks at; what the real one does is tried in standalone.test.ts.
  const arm64 = join(folder, "arm64");
  const header = Buffer.alloc(64);
  header.write("\x7fELF", "latin1");
  header.writeUInt16LE(0xb7, 18);
  writeFileSync(arm64, header);
  assert.equal(build("arm64", arm64).status, 0);
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith("_arm64.deb"))!);
  const fields = spawnSync("dpkg-deb", ["--field", file, "Package", "Architecture"], { encoding: "utf8" }).stdout;
  assert.equal(fields, "Package: mcp-oauth-proxy\nArchitecture: arm64\n");
  const names = (deb: string) => listing(deb).map((line) => line.replace(/ +\d+ \S+ \S+ /, " ")).sort();
  assert.deepEqual(names(file), names(deb));
  const packed =
    spawnSync("sh", ["-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/mcp-oauth-proxy`, file]).stdout;
  assert.deepEqual(packed, header);

  for (const [architecture, binary] of [["amd64", arm64], ["arm64", join(project, "LICENSE")]] as const) {
    const { status, stderr } = build(architecture, binary);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`is no ${architecture} program; build one with: npm run build -- linux-`));
  }
});

// The systemd unit: what systemd says of it, what its program tells systemd, and what init --systemd prints.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { notifyServiceManager } from "../../lib/runtime/service_manager.ts";
import { eventually } from "../support/eventually.ts";
import { programCommand, runProgram } from "../support/program.ts";
import { needs, programPath } from "../support/programs.ts";
import { startProxy } from "../support/proxy_process.ts";

const root = resolve(import.meta.dirname!, "../..");
const unit = readFileSync(join(root, "deploy/systemd/mcp-oauth-proxy.service"), "utf8");

/** Runs systemd-analyze on the unit with a program that is there. */
function analyze(args: string[]): { status: number | null; output: string } {
  const folder = mkdtempSync(join(tmpdir(), "unit-"));
  try {
    const file = join(folder, "mcp-oauth-proxy.service");
    writeFileSync(file, unit.replace("/usr/bin/mcp-oauth-proxy", "/bin/true"));
    const { status, stdout, stderr } = spawnSync(programPath("systemd-analyze"), [...args, file], { encoding: "utf8" });
    return { status, output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("systemd-analyze verify knows every line of the unit", { skip: needs("systemd-analyze") }, () => {
  const { status, output } = analyze(["verify"]);
  // systemd before 254 passes these two over.
  const complaints = output.split("\n").filter((line) => line !== "" && !/Restart(Steps|MaxDelaySec)/.test(line));
  assert.deepEqual([status, complaints], [0, []]);
});

test("systemd-analyze security rates the unit 1.5 or better", { skip: needs("systemd-analyze") }, () => {
  const { status, output } = analyze(["security", "--offline=true", "--no-pager", "--threshold=15"]);
  assert.equal(status, 0, output);
  const level = Number(/exposure level[^:]*: ([\d.]+)/.exec(output)?.[1]);
  assert.ok(level <= 1.5, output);
});

/** A service manager's socket; perl, because neither runtime can open a unix datagram socket. */
const listenForStates = `use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; print "listening\\n";
while (1) { recv($s, my $m, 4096, 0); print "$m\\n"; }`;

for (
  const [what, workers] of [["serve tells systemd READY=1 once it listens", undefined], [
    "serve --workers tells systemd READY=1 once, when all of them listen,",
    2,
  ]] as const
) {
  test(`${what} and STOPPING=1 when told to stop`, {
    skip: needs("systemd-notify", "perl"),
    // deno.json's tasks don't let the program start others; the unit runs the binary.
    ...("Deno" in globalThis && !process.env.MCP_OAUTH_PROXY_BIN ? { skip: "Deno's tasks start no programs" } : {}),
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "notify-"));
    const socket = join(folder, "notify");
    const manager = spawn(programPath("perl"), ["-e", listenForStates, socket], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      let told = "";
      manager.stdout.setEncoding("utf8").on("data", (text: string) => told += text);
      const hears = (state: string) => eventually(async () => assert.match(told, new RegExp(`^${state}$`, "m")));
      await hears("listening");
      await using proxy = await startProxy({
        env: { NOTIFY_SOCKET: socket },
        ...(workers === undefined ? {} : { workers }),
        toml: `[store]
url = "sqlite:${folder}/state.db"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
      });
      await hears("READY=1");
      assert.doesNotMatch(told, /STOPPING/);
      const started = () => proxy.output().split('"server_started"').length - 1;
      await eventually(async () => assert.equal(started(), workers ?? 1));
      assert.equal(await proxy.stop(), 0);
      await hears("STOPPING=1");
      assert.deepEqual(told.match(/READY|STOPPING/g), ["READY", "STOPPING"]);
    } finally {
      manager.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test("without NOTIFY_SOCKET nobody is told", async () => {
  assert.equal(await notifyServiceManager("READY=1", {}), false);
});

test("init --systemd prints the unit, alone on standard output, and the steps; it refuses what would write a file", async () => {
  const [program = "", ...first] = programCommand("init");
  const { stdout, stderr, status } = spawnSync(program, [...first, "init", "--systemd"], {
    cwd: root,
    encoding: "utf8",
  });
  assert.deepEqual([status, stdout], [0, unit]);
  assert.match(stderr, /secrets_state[\s\S]*systemctl daemon-reload/);
  const refused = await runProgram(["init", "--systemd", "-o", "x.toml"], {
    command: programCommand("init"),
    cwd: root,
  });
  assert.equal(refused.code, 2);
  assert.match(refused.output, /--output belongs to init without it/);
});

test("what the unit, the steps and the package name is the same", () => {
  assert.match(unit, /^ExecStart=\/usr\/bin\/mcp-oauth-proxy serve -c \/etc\/mcp-oauth-proxy\/config\.toml$/m);
  assert.match(unit, /^LoadCredential=secrets:\/etc\/mcp-oauth-proxy\/secrets$/m);
  assert.match(unit, /^StateDirectory=mcp-oauth-proxy$/m);
  assert.doesNotMatch(unit, /^MemoryDenyWriteExecute/m);
});

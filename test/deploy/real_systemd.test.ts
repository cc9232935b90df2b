// The unit itself under a real systemd, in `npm run test:long`: readiness, sandbox, reload, restart, stop, and memory under load.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { currentRuntime, type Listener } from "../../lib/runtime/runtime.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free_port.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { needs, programPath } from "../support/programs.ts";
import { needsSystemdBox, startSystemdBox, type SystemdBox } from "../support/systemd_box.ts";

const root = resolve(import.meta.dirname!, "../..");
const binary = process.env.MCP_OAUTH_PROXY_BIN ?? join(root, "dist/mcp-oauth-proxy");
const unit = readFileSync(join(root, "deploy/systemd/mcp-oauth-proxy.service"), "utf8");
const name = "mcp-oauth-proxy.service";

const skip = process.env.MCP_OAUTH_PROXY_LONG !== "1"
  ? "only in npm run test:long"
  : !existsSync(binary)
  ? "needs the binary: npm run build"
  : needsSystemdBox();

/** Says of each attempt whether it was let happen; none does harm inside the box. It runs in place of the unit's program. */
const attempts =
  `try() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "$what: done"; else echo "$what: refused"; fi; }
try "write state" touch /var/lib/mcp-oauth-proxy/x
try "write private tmp" touch /tmp/x
try "write etc" touch /etc/x
try "write config" sh -c "echo >> /etc/mcp-oauth-proxy/config.toml"
try "write var" touch /var/x
try "write run" touch /run/x
try "read secrets folder" ls /etc/mcp-oauth-proxy/secrets
try "read credential" cat /run/credentials/probe.service/secrets_state
try "see home" ls /home
try "see other processes" test -e /proc/1
try "mount" mount -t tmpfs tmpfs /tmp
try "new namespace" unshare --user true
try "set-user-id file" sh -c "touch /tmp/s && chmod u+s /tmp/s"
try "host name" hostname other
try "become root" setpriv --reuid=0 true
`;
const probe = unit.replace(/^Type=notify$/m, "Type=oneshot").replace(/^Restart=.*$/m, "Restart=no")
  .replace(/^ExecStart=.*$/m, "ExecStart=/bin/sh /etc/attempts.sh");

let downstream: Listener;
let box: SystemdBox;
let url: string;

before(async () => {
  if (skip !== undefined) return;
  const answer = JSON.stringify({ jsonrpc: "2.0", id: 1, result: { tools: [] } });
  downstream = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: () => new Response(answer, { headers: { "content-type": "application/json" } }),
  });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const secret = spawnSync(binary, ["secret"], { encoding: "utf8" }).stdout;
  box = await startSystemdBox({
    program: { name: "mcp-oauth-proxy", path: binary },
    etc: {
      "attempts.sh": attempts,
      "mcp-oauth-proxy/secrets/state": secret,
      "mcp-oauth-proxy/config.toml": `[server]
host = "127.0.0.1"
port = ${port}
public_url = "${url}"
state_secret = "file:/run/credentials/mcp-oauth-proxy.service/secrets_state"
[store]
url = "sqlite:/var/lib/mcp-oauth-proxy/state.db"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:${downstream.port}/mcp"
`,
    },
    units: { [name]: unit, "probe.service": probe },
  });
});

after(async () => {
  await box?.[Symbol.asyncDispose]();
  await downstream?.stop(0);
});

const systemctl = (...args: string[]) => {
  const { code, output } = box.run(["systemctl", ...args]);
  assert.equal(code, 0, `systemctl ${args.join(" ")}: ${output}\n${box.run(["cat", `/run/${name}.log`]).output}`);
};

test("issue 7: the unit starts, is ready when systemctl says so, and runs with nothing it could do harm with", {
  skip,
}, async () => {
  systemctl("start", name);
  assert.equal((await fetch(`${url}/readyz`)).status, 200); // at once: Type=notify
  const status = box.run(["cat", `/proc/${box.property(name, "MainPID")}/status`]).output;
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^CapBnd:\t0+$/m);
  assert.match(status, /^CapEff:\t0+$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  const [, uid] = /^Uid:\t(\d+)/m.exec(status)!;
  assert.ok(Number(uid) >= 61184 && Number(uid) <= 65519, `${uid} is not a dynamic user`);
});

test("issue 8: the unit's sandbox lets a program write its state and refuses the rest", { skip }, () => {
  systemctl("start", "probe.service");
  const outcomes = box.run(["cat", "/run/probe.service.log"]).output.trim().split("\n");
  const allowed = ["write state", "write private tmp", "read credential"];
  const expected = [...attempts.matchAll(/^try "([^"]+)"/gm)].map(([, what]) =>
    `${what}: ${allowed.includes(what!) ? "done" : "refused"}`
  );
  assert.deepEqual(outcomes, expected);
  // The same without the sandbox, so that a refusal is the sandbox's.
  const control = box.run(["unshare", "--mount", "sh", "/etc/attempts.sh"]).output.trim().split("\n");
  const refused = expected.filter((line) => line.endsWith("refused")).map((line) => line.split(":")[0]);
  assert.deepEqual(
    control.filter((line) => refused.includes(line.split(":")[0])),
    refused.map((what) => `${what}: done`),
  );
});

test(
  "issue 7: tokens outlive a reload, a restart, a kill and a stop under systemd; a stop ends with 0",
  { skip },
  async () => {
    const client = await createTestClient(url, "notes");
    const { access_token = "", refresh_token = "" } = await client.signIn("the-key");
    const works = async () => (await client.mcp(access_token, { method: "POST", body: "{}" })).status;
    assert.equal(await works(), 200);

    const config = "/etc/mcp-oauth-proxy/config.toml";
    box.run(["sh", "-c", `sed -i 's/"Notes"/"Renamed notes"/' ${config}`]);
    systemctl("reload", name);
    await eventually(async () => assert.match((await client.authorize()).html, /Renamed notes/));
    assert.equal(await works(), 200);

    systemctl("restart", name);
    assert.equal(await works(), 200);
    const rotated = await client.refresh(refresh_token);
    assert.equal(rotated.status, 200);

    systemctl("kill", "--signal=KILL", "--kill-who=main", name);
    await eventually(async () => assert.equal(await works(), 200));
    assert.equal(box.property(name, "NRestarts"), "1");
    assert.equal((await client.refresh(rotated.body.refresh_token!)).status, 200);

    systemctl("stop", name);
    const after = ["ActiveState", "Result", "ExecMainStatus"].map((each) => box.property(name, each));
    assert.deepEqual(after, ["inactive", "success", "0"]);
    assert.match(box.run(["tail", "-n", "1", `/run/${name}.log`]).output, /server_stopped/);
  },
);

test("issue 7: at full load for 20 s the service stays below 128 MiB", { skip: skip ?? needs("wrk") }, async () => {
  systemctl("start", name);
  const client = await createTestClient(url, "notes");
  const { access_token = "" } = await client.signIn("the-key");
  const folder = mkdtempSync(join(tmpdir(), "wrk-"));
  const script = join(folder, "post.lua");
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer ${access_token}"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
`,
  );
  const load = await runLoad(["-t2", "-c64", "-d20s", "-s", script, `${url}/mcp/notes`]);
  rmSync(folder, { recursive: true });
  assert.doesNotMatch(load, /Non-2xx|Socket errors/);
  const status = box.run(["cat", `/proc/${box.property(name, "MainPID")}/status`]).output;
  const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]);
  console.log(`${/Requests\/sec:\s+\S+/.exec(load)![0]}, at most ${(peakKiB / 1024).toFixed(1)} MiB`);
  assert.ok(peakKiB < 128 * 1024, `${peakKiB} KiB\n${load}`);
});

/** @returns what wrk printed */
function runLoad(args: string[]): Promise<string> {
  const wrk = spawn(programPath("wrk"), args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [wrk.stdout, wrk.stderr]) stream.on("data", (chunk) => output += chunk);
  return new Promise((settle) => wrk.on("close", () => settle(output)));
}

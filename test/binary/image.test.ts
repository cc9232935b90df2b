// The container image without an engine: the binary in a root that holds exactly the image's files, read-only, as user 65532, as PID 1.
// Bun only, like all of test/binary: what runs is the compiled binary, whichever runtime asks.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { stateSecret } from "../support/config_text.ts";
import { freePort } from "../support/free_port.ts";
import { runProgram, startProgram } from "../support/program.ts";
import { needs, programPath } from "../support/programs.ts";
import { testAuthority, testCertificates, testServerKey } from "../support/test_certificates.ts";

const project = resolve(import.meta.dirname!, "../..");
const dockerfile = readFileSync(join(project, "Dockerfile"), "utf8");
const binary = process.env.MCP_OAUTH_PROXY_BIN!;

/** What makes namespaces needs root (CI's container has the capability). */
const skip = process.getuid?.() === 0 ? needs("unshare", "chroot", "ldd") : "needs root";

let root: string;

/** The base's C library and the Dockerfile's files. Bun brings its own CA certificates. */
before(() => {
  root = mkdtempSync(join(tmpdir(), "image-"));
  chmodSync(root, 0o755);
  const libraries = spawnSync("ldd", [binary], { encoding: "utf8" }).stdout.match(/\/\S+\.so\S*/g) ?? [];
  for (const library of libraries) copyIn(library, library);
  copyIn(binary, "/usr/bin/mcp-oauth-proxy");
  for (const folder of ["etc/mcp-oauth-proxy", "proc"]) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(
    join(root, "etc/mcp-oauth-proxy/config.toml"),
    `[server]
public_url = "https://mcp.example.com"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  );
});
after(() => rmSync(root, { recursive: true, force: true }));

function copyIn(file: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  copyFileSync(file, join(root, path));
}

const instruction = (name: string) =>
  JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, "m").exec(dockerfile)![1]!) as string[];

const healthCheck = JSON.parse(/^HEALTHCHECK [^[]*\\\n\s+CMD (\[.*\])$/m.exec(dockerfile)![1]!) as string[];

/** Read-only, as PID 1; with the change of user the capabilities are gone. */
const enter = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t proc proc "$0/proc" && ' +
  'exec chroot --userspec=65532:65532 --groups= "$0" "$@"';

const inside = () => [programPath("unshare"), "--mount", "--pid", "--fork", "sh", "-c", enter, root];
const path = "/usr/bin:/bin:/usr/sbin:/sbin";

/** The image's own command with its own settings, waited for until it listens. */
async function startImage(env: Record<string, string>) {
  const port = await freePort();
  const program = startProgram([...instruction("CMD"), "--host", "127.0.0.1", "-p", String(port)], {
    command: [...inside(), ...instruction("ENTRYPOINT")],
    env: { PATH: path, BUN_CONFIG_MAX_HTTP_REQUESTS: "65535", ...env },
  });
  /** As this machine counts; inside it is 1. */
  const pid = () => Number(readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "utf8").trim());
  return { program, port, url: `http://127.0.0.1:${port}`, pid };
}

test(
  "S1-56, S2-63: the image's files serve /health read-only, as user 65532 and PID 1; SIGTERM drains and ends with 0",
  { skip },
  async () => {
    const { program, port, url, pid } = await startImage({ MCP_PROXY_STATE_SECRET: stateSecret });
    try {
      await program.waitFor(/server_started/);
      const health = await fetch(`${url}/health`);
      assert.deepEqual([health.status, await health.text()], [200, "OK"]);
      assert.equal((await fetch(`${url}/.well-known/oauth-protected-resource/mcp/notes`)).status, 200);
      const check = await runProgram([...healthCheck, "-p", String(port)], { command: inside(), env: { PATH: path } });
      assert.equal(check.code, 0, check.output);
      const status = readFileSync(`/proc/${pid()}/status`, "utf8");
      assert.match(status, /^Uid:\t65532\t65532/m);
      assert.match(status, /^NSpid:\t\d+\t1$/m);
      assert.match(status, /^CapEff:\t0+$/m);
      process.kill(pid(), "SIGTERM");
      assert.deepEqual(await program.ended, { code: 0, signal: null });
      assert.match(program.output(), /server_draining[\s\S]*server_stopped/);
    } finally {
      if (program.output().includes("server_started")) killInside(pid);
      await program.destroy();
    }
  },
);

test("S1-56: the image holds no secret: without one it says which is missing and ends with 1", { skip }, async () => {
  const { program } = await startImage({});
  assert.deepEqual((await program.ended).code, 1);
  assert.match(program.output(), /state_secret/);
});

test(
  "TLS to the outside is checked in the image, and an authority of one's own is mounted as a file",
  { skip },
  async () => {
    let requests = 0;
    const server = createServer({ key: testServerKey, cert: testCertificates.address }, (_request, answer) => {
      requests++;
      answer.writeHead(401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const folder = join(root, "etc/mcp-oauth-proxy");
    const config = readFileSync(join(folder, "config.toml"), "utf8");
    const { port } = server.address() as AddressInfo;
    writeFileSync(join(folder, "tls.toml"), config.replace("http://127.0.0.1:9", `https://127.0.0.1:${port}`));
    writeFileSync(join(folder, "ca.pem"), testAuthority);
    const check = (env: Record<string, string>) =>
      runProgram([...instruction("ENTRYPOINT"), "check", "-c", "/etc/mcp-oauth-proxy/tls.toml"], {
        command: inside(),
        env: { PATH: path, MCP_PROXY_STATE_SECRET: stateSecret, ...env },
      });
    try {
      const stranger = await check({});
      assert.match(stranger.output, /its TLS certificate is not trusted/);
      assert.deepEqual([stranger.code, requests], [1, 0]);
      const known = await check({ NODE_EXTRA_CA_CERTS: "/etc/mcp-oauth-proxy/ca.pem" });
      assert.doesNotMatch(known.output, /TLS certificate/);
      assert.ok(requests > 0, known.output);
    } finally {
      server.close();
    }
  },
);

test("S1-56: the Dockerfile runs as 65532, on 8080, and copies nothing but the binary and the licence", () => {
  assert.match(dockerfile, /^USER 65532:65532$/m);
  assert.match(dockerfile, /^EXPOSE 8080$/m);
  // With a default here BuildKit would not say the platform's own: every image would hold the default's binary.
  assert.match(dockerfile, /^ARG TARGETARCH$/m);
  assert.match(dockerfile, /^ENV BUN_CONFIG_MAX_HTTP_REQUESTS=65535$/m);
  assert.deepEqual(healthCheck, [...instruction("ENTRYPOINT"), "check", "--health", ...instruction("CMD").slice(1)]);
  const copied = [...dockerfile.matchAll(/^COPY (?:--\S+ )*(\S+)/gm)].map(([, from]) => from);
  assert.deepEqual(copied, [
    "dist/mcp-oauth-proxy-linux-x64-baseline",
    "dist/mcp-oauth-proxy-linux-arm64",
    "/usr/bin/mcp-oauth-proxy",
    "LICENSE",
  ]);
  const allowed = readFileSync(join(project, ".dockerignore"), "utf8").split("\n").filter((line) =>
    line.startsWith("!")
  );
  assert.deepEqual(allowed.map((line) => line.slice(1)).sort(), copied.filter((from) => !from!.startsWith("/")).sort());
});

/** A PID 1 that a failed test left. */
function killInside(pid: () => number): void {
  try {
    const inside = pid();
    if (inside > 0) process.kill(inside, "SIGKILL");
  } catch {
    // it has ended, which is what was wanted
  }
}

// The permissions that docs/install.md gives Deno: enough for every store, and no more.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { serverTable, stateSecret } from "../support/config_text.ts";
import { type FakeMcpServer, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { freePort } from "../support/free_port.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { runProgram, startProgram } from "../support/program.ts";
import { needs } from "../support/programs.ts";
import { startRedis } from "../support/redis_server.ts";

const root = resolve(import.meta.dirname!, "../..");
const skip = "Deno" in globalThis ? undefined : "Deno's permissions, tried by the tests on Deno";
const environment = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", MCP_PROXY_STATE_SECRET: stateSecret };

let downstream: FakeMcpServer;
/** Holds config.toml and the folder `state`. */
let folder: string;
before(async () => {
  downstream = await startFakeMcpServer();
  folder = mkdtempSync(join(tmpdir(), "permissions-"));
  mkdirSync(join(folder, "state"));
});
after(async () => {
  await downstream.close();
  rmSync(folder, { recursive: true });
});

/** The command of the documentation up to the script, with the paths of this test. */
function documentedCommand(): string[] {
  const text = readFileSync(join(root, "docs/install.md"), "utf8");
  const [, command] = /```sh\ndeno (run[\s\S]*?)main\.ts serve/.exec(text)!;
  const words = command!.replaceAll("\\\n", " ").split(/\s+/).filter((word) => word !== "").map((word) =>
    word.replaceAll("/etc/mcp-oauth-proxy/config.toml", join(folder, "config.toml"))
      .replaceAll("/var/lib/mcp-oauth-proxy", join(folder, "state"))
  );
  assert.deepEqual(words.filter((word) => !/^(run|--no-prompt|--allow-(net|read|write|env)(=.+)?)$/.test(word)), []);
  return [process.execPath, ...words];
}

async function fullFlow(storeUrl: string): Promise<void> {
  const port = await freePort();
  writeFileSync(
    join(folder, "config.toml"),
    `${serverTable.replace("https://mcp.example.com", `http://127.0.0.1:${port}`).replace(/^state_secret.*\n/m, "")}
host = "127.0.0.1"
[store]
url = "${storeUrl}"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  );
  const program = startProgram(
    [join(root, "main.ts"), "serve", "-c", join(folder, "config.toml"), "-p", String(port)],
    {
      command: documentedCommand(),
      env: environment,
    },
  );
  try {
    await program.waitFor(/server_started/);
    const client = await createTestClient(`http://127.0.0.1:${port}`, "notes");
    const tokens = await client.signIn();
    const { status, body } = await client.refresh(tokens.refresh_token!);
    assert.equal(status, 200);
    const ask = async () => (await client.mcp(body.access_token!, { method: "POST", body: "{}" })).status;
    assert.equal(await ask(), 200);
    await client.revoke(body.refresh_token!);
    assert.equal(await ask(), 401);
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 200);
    program.kill("SIGTERM");
    assert.deepEqual(await program.ended, { code: 0, signal: null });
    assert.doesNotMatch(program.output(), /NotCapable|Requires \w+ access|store_unavailable/);
  } finally {
    await program.destroy();
  }
}

test(
  "issue 8: with the permissions of docs/install.md a full flow works with memory: and sqlite:",
  { skip },
  async () => {
    await fullFlow("memory:");
    await fullFlow(`sqlite:${folder}/state/state.db`);
  },
);

test("issue 8: with the permissions of docs/install.md a full flow works with Redis", {
  skip: skip ?? needs("redis-server"),
}, async () => {
  const redis = await startRedis();
  try {
    await fullFlow(redis.url);
  } finally {
    await redis.remove();
  }
});

test(
  "issue 8: with the permissions of docs/install.md nothing else may be written, read or started",
  { skip },
  async () => {
    const script = join(folder, "attempts.ts");
    const attempts = {
      "write state": `Deno.writeTextFileSync("${folder}/state/x", "x")`,
      "write the configuration": `Deno.writeTextFileSync("${folder}/config.toml", "", { append: true })`,
      "write beside it": `Deno.writeTextFileSync("${folder}/x", "x")`,
      "read another file": `Deno.readTextFileSync("${root}/package.json")`,
      "read another variable": `Deno.env.get("HOME")`,
      "read all variables": `Deno.env.toObject()`,
      "start a program": `new Deno.Command("true").outputSync()`,
      "load a library": `Deno.dlopen("libc.so.6", {})`,
      "ask for the machine's name": `Deno.hostname()`,
    };
    writeFileSync(
      script,
      Object.entries(attempts).map(([what, attempt]) =>
        `try { ${attempt}; console.log("${what}: done"); } catch (error) { console.log("${what}: " + error.name); }\n`
      ).join(""),
    );
    const outcomes = async (command: string[]) =>
      (await runProgram(["--no-check", script], { command, env: environment })).output.trim().split("\n");
    const limited = Object.keys(attempts).map((what) => `${what}: ${what === "write state" ? "done" : "NotCapable"}`);
    assert.deepEqual(await outcomes(documentedCommand()), limited);
    assert.deepEqual(
      await outcomes([process.execPath, "run", "-A"]),
      Object.keys(attempts).map((what) => `${what}: done`),
    );
  },
);

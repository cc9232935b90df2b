import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import type { ChainedOAuthConfig } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { programCommand, runProgram } from "../support/program.ts";

const root = resolve(import.meta.dirname!, "../..");

const base = ["--public-url", "https://mcp.example.com", "--name", "hub", "--url", "https://hub.example/mcp"];

/** Runs init for a file in a folder of its own, and lets `look` see what came out. */
async function runInit(
  args: readonly string[],
  look: (ran: { code: number | null; output: string; file: string }) => void,
  contentBefore?: string,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "init-"));
  try {
    const file = join(folder, "config.toml");
    if (contentBefore !== undefined) writeFileSync(file, contentBefore);
    const { code, output } = await runProgram(["init", "-o", file, ...args], {
      command: programCommand("init"),
      cwd: root,
    });
    look({ code, output, file });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("init in a script without flags writes the example with a fresh secret, for its owner only", async () => {
  await runInit([], ({ code, output, file }) => {
    assert.equal(code, 0, output);
    assert.match(output, /fresh state secret[\s\S]*edit[\s\S]*mcp-oauth-proxy check -c/);
    if (process.platform !== "win32") assert.equal(statSync(file).mode & 0o777, 0o600);
    const config = parseConfig(readFileSync(file, "utf8"));
    assert.deepEqual(config.resources.map(({ name }) => name), ["linear"]);
    assert.ok(!output.includes(config.server.stateSecret.reveal()), "prints the secret");
  });
});

test("init never overwrites", async () => {
  await runInit(base, ({ code, output, file }) => {
    assert.equal(code, 1);
    assert.match(output, /never overwrites/);
    assert.equal(readFileSync(file, "utf8"), "mine");
  }, "mine");
});

test("init with flags writes a passthrough server that loads", async () => {
  await runInit([...base, "--header", "X-API-Key"], ({ code, output, file }) => {
    assert.equal(code, 0, output);
    assert.match(output, /https:\/\/mcp\.example\.com\/mcp\/hub/);
    const { resources, server } = parseConfig(readFileSync(file, "utf8"));
    assert.equal(server.publicUrl, "https://mcp.example.com");
    assert.deepEqual(
      resources.map((hub) => [hub.name, hub.displayName, hub.downstreamUrl, hub.authHeaderFormat, hub.strategy.kind]),
      [["hub", "Hub", "https://hub.example/mcp", "X-API-Key", "passthrough"]],
    );
  });
});

test("init draws a new secret each time", async () => {
  const seen = new Set<string>();
  for (const _ of [1, 2]) {
    await runInit(base, ({ file }) => {
      seen.add(parseConfig(readFileSync(file, "utf8")).server.stateSecret.reveal());
    });
  }
  assert.equal(seen.size, 2);
});

for (
  const [args, says] of [
    [["--name", "hub"], /needs --public-url, --url/],
    [["--public-url", "https://mcp.example.com/"], /--public-url must not end in a slash/],
    [[...base, "--strategy", "passthru"], /--strategy must be one of passthrough, chained_oauth, login/],
    [[...base, "--header", "Host"], /--header is a header that can't carry/],
    [[...base, "--provider", "google"], /--provider means nothing with passthrough/],
    [[...base, "--strategy", "login", "--provider", "google"], /needs --client-id, --client-secret, --allow-domain/],
  ] as const
) {
  test(`init ${args.join(" ")}: exit code 2, and nothing is written`, async () => {
    await runInit(args, ({ code, output, file }) => {
      assert.equal(code, 2, output);
      assert.match(output, says);
      assert.throws(() => statSync(file), { code: "ENOENT" });
    });
  });
}

test("init takes an env: secret that is not set yet, and says to set it", async () => {
  const flags = ["--client-id", "a", "--client-secret", "env:HUB_SECRET", "--authorize-url", "https://hub.example/a"];
  await runInit(
    [...base, "--strategy", "chained_oauth", ...flags, "--token-url", "https://hub.example/t"],
    ({ code, output, file }) => {
      assert.equal(code, 0, output);
      assert.match(output, /export HUB_SECRET=[\s\S]*https:\/\/mcp\.example\.com\/callback\/mcp\/hub/);
      const hub = parseConfig(readFileSync(file, "utf8"), { HUB_SECRET: "shh" }).resources[0]!;
      assert.equal((hub.strategy as ChainedOAuthConfig).provider?.clientSecret?.reveal(), "shh");
    },
  );
});

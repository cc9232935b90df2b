import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { minimal } from "../support/config_text.ts";
import { runProgram, startProgram } from "../support/program.ts";

const environment = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" };

async function withConfig(text: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "serve-"));
  try {
    const path = join(folder, "config.toml");
    writeFileSync(path, text);
    await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (
  const [how, args, env] of [
    ["-c", (path: string) => ["-c", path], {}],
    ["serve --config=", (path: string) => ["serve", `--config=${path}`], {}],
    ["MCP_PROXY_CONFIG", () => ["serve"], { MCP_PROXY_CONFIG: true }],
    ["MCP_OAUTH2_PROXY_CONFIG (S2-54)", () => [], { MCP_OAUTH2_PROXY_CONFIG: true }],
  ] as const
) {
  test(`S1-53, S2-08: the configuration named by ${how} is served, and SIGTERM ends it with exit code 0`, async () => {
    await withConfig(minimal, async (path) => {
      const variables = Object.fromEntries(Object.keys(env).map((name) => [name, path]));
      const program = startProgram([...args(path), "-p", "0", "--host", "127.0.0.1"], {
        env: { ...environment, ...variables },
      });
      try {
        const [, port] = await program.waitFor(/"port":(\d+)/);
        const health = await fetch(`http://127.0.0.1:${port}/health`);
        assert.equal(await health.text(), "OK");
        program.kill("SIGTERM");
        assert.deepEqual(await program.ended, { code: 0, signal: null });
      } finally {
        await program.destroy();
      }
    });
  });
}

test("S1-53: a configuration with problems is not served: all of them, with lines, and exit code 1", async () => {
  await withConfig('[server]\npublic_url = "x"\nprot = 1\n', async (path) => {
    const { code, output } = await runProgram(["-c", path]);
    assert.equal(code, 1);
    assert.ok(output.includes(`${path} has 4 problems:`), output);
    assert.match(output, /line 2: server\.public_url: [\s\S]*line 3: server\.prot: unknown key; did you mean "port"\?/);
    assert.match(output, /line 1: server\.state_secret: is required[\s\S]*downstream: no MCP server is configured/);
  });
});

test("without a file it says how to get one", async () => {
  const { code, output } = await runProgram(["-c", join(tmpdir(), "none", "config.toml")]);
  assert.equal(code, 1);
  assert.match(output, /there is no such file; .*mcp-oauth-proxy init/);
});

test("--workers with the store that each would have for itself is refused, with the stores that they could share", async () => {
  await withConfig(minimal, async (path) => {
    const { code, output } = await runProgram(["-c", path, "--workers", "2"]);
    assert.equal(code, 1);
    assert.match(output, /--workers 2: .*store\.url is "memory:".*sqlite:.*redis:/);
  });
});

test("a port that is taken is named, without a stack", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  try {
    await withConfig(minimal, async (path) => {
      const { code, output } = await runProgram(["-c", path, "-p", String(port), "--host", "127.0.0.1"]);
      assert.equal(code, 1);
      assert.match(output, new RegExp(`127\\.0\\.0\\.1:${port} is taken`));
      assert.doesNotMatch(output, /^\s+at /m);
    });
    await withConfig(`${minimal}\n[store]\nurl = "sqlite:${join(tmpdir(), "never-opened.db")}"\n`, async (path) => {
      const { code, output } = await runProgram([
        ...["-c", path, "-p", String(port), "--host", "127.0.0.1"],
        ...["--workers", "2"],
      ]);
      assert.deepEqual(
        [code, output.includes(`127.0.0.1:${port} is taken`)],
        [1, true],
        "workers, which share a port, too",
      );
    });
  } finally {
    other.close();
  }
});

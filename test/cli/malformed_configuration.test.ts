// Issue 2: a file that is no configuration is named with the place and what is wrong, and nothing is served.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { minimal } from "../support/config_text.ts";
import { runProgram } from "../support/program.ts";

const cases: [what: string, content: string | Uint8Array, says: RegExp][] = [
  ["an open quote", '[server]\npublic_url = "https://mcp.example.com\n', /line 2: not valid TOML at column 38/],
  [
    "an open bracket",
    minimal.replace("[downstream.linear]", "[downstream.linear"),
    /line 4: not valid TOML at column \d+/,
  ],
  [
    "a key twice",
    minimal.replace("[server]", '[server]\npublic_url = "https://b"'),
    /line 3: not valid TOML.*redefine/,
  ],
  ["JSON", '{"server": {}}', /line 1: not valid TOML/],
  ["random bytes", new Uint8Array(3_000).map((_, index) => (index * 167) % 256), /line 1: not valid TOML at column 1/],
  ["nothing", "", /server\.public_url: is required[\s\S]*downstream: no MCP server is configured/],
];
for (const [what, content, says] of cases) {
  test(`S1-53: a file with ${what} ends serve and check with exit code 1, the place and the reason, without a stack`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "malformed-"));
    try {
      const path = join(folder, "config.toml");
      writeFileSync(path, content);
      for (const command of ["serve", "check"]) {
        const { code, output } = await runProgram([command, "-c", path]);
        assert.equal(code, 1);
        assert.match(output, new RegExp(`^${path} has \\d+ problems?:`));
        assert.match(output, says);
        assert.doesNotMatch(output, /^\s+at /m);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("S1-53: a byte order mark and Windows line ends are no problem", async () => {
  const folder = mkdtempSync(join(tmpdir(), "windows-"));
  try {
    const path = join(folder, "config.toml");
    writeFileSync(
      path,
      "\uFEFF" + minimal.replaceAll("https://mcp.linear.app/sse", "http://127.0.0.1:1/sse").replaceAll("\n", "\r\n"),
    );
    const { output } = await runProgram(["check", "-c", path]);
    assert.match(output, /config\.toml: no problems/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

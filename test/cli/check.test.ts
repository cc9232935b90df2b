import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "@redis/client";
import { providerFindings } from "../../lib/cli/provider_findings.ts";
import { storeFinding } from "../../lib/cli/store_finding.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { secret } from "../../lib/config/secrets.ts";
import { githubTable, linearTable, serverTable, stateSecret } from "../support/config_text.ts";
import { type Behaviour, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { runProgram } from "../support/program.ts";
import { needs } from "../support/programs.ts";
import { startRedis } from "../support/redis_server.ts";

/** Runs `check` on a configuration whose `%URL%` is a server that behaves so. */
async function check(text: string, behaviour: Behaviour): Promise<{ code: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  const server = await startFakeMcpServer(behaviour);
  try {
    const path = join(folder, "config.toml");
    writeFileSync(path, text.replaceAll("%URL%", server.url).replaceAll("%FOLDER%", folder));
    return await runProgram(["check", "-c", path]);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

const wantsKey = json({}, { status: 401, headers: { "www-authenticate": "Bearer" } });
const linear = serverTable + linearTable.replace("https://mcp.linear.app/sse", "%URL%");

test("check: everything works, exit code 0", async () => {
  const { code, output } = await check(linear, wantsKey);
  assert.equal(code, 0, output);
  assert.match(output, /no problems\n/);
  assert.match(output, /✓ memory: /);
  assert.match(output, /downstream linear \(passthrough\) http:.*\n {2}✓ wants a key \(401\)\n/);
  assert.match(output, /Ready: mcp-oauth-proxy\n$/);
  assert.ok(!output.includes(stateSecret));
});

test("check: a key in the URL's query is not printed", async () => {
  const { code, output } = await check(linear.replace("%URL%", "%URL%?key=very-secret"), json({}, { status: 404 }));
  assert.equal(code, 1, output);
  assert.ok(!output.includes("very-secret"), output);
});

test("check: what an MCP server says of itself does not reach the terminal as control characters", async () => {
  const versions = ["2026-07-28", "\u001B[2J\u001B[H\u001B]52;c;ZXZpbA==\u0007\nReady: mcp-oauth-proxy"];
  const { output } = await check(
    linear,
    json({ jsonrpc: "2.0", id: "check-1", result: { supportedVersions: versions } }),
  );
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(output, /[\x00-\x09\x0B-\x1F\x7F-\x9F]/);
  assert.match(output, /speaks MCP 2026-07-28, \\u001b\[2J.*\\u000aReady/);
});

test("check: a warning of the configuration is shown and fails nothing", async () => {
  const { code, output } = await check(linear.replace("https://mcp.ex", "http://mcp.ex"), wantsKey);
  assert.equal(code, 0, output);
  assert.match(output, /no problems, but\n {2}! server\.public_url: is http/);
});

test("check: a server that does not work fails it, exit code 1", async () => {
  const { code, output } = await check(linear, json({}, { status: 404 }));
  assert.equal(code, 1, output);
  assert.match(output, /✗ has no MCP server at \/mcp \(404\)[\s\S]*\n1 problem\.\n$/);
});

test("check: problems of the configuration are listed, and nothing is asked", async () => {
  const { code, output } = await check(linear.replace("strategy", "strateggy") + "nonsense = 1\n", wantsKey);
  assert.equal(code, 1);
  assert.match(output, /has 3 problems:\n/);
  assert.match(output, /line \d+: downstream\.linear\.strateggy: unknown key; did you mean "strategy"\?/);
  assert.doesNotMatch(output, /✓|✗/);
});

test("check: a store that can't be opened fails it", async () => {
  const { code, output } = await check(`${linear}[store]\nurl = "sqlite:%FOLDER%/none/state.db"\n`, wantsKey);
  assert.equal(code, 1, output);
  assert.match(output, /store\n {2}✗ sqlite: /);
});

test("check: a SQLite store is tried, and no file is left that would belong to the wrong user", async () => {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  try {
    const store = { url: secret(`sqlite:${join(folder, "state.db")}`) };
    const config = { ...parseConfig(linear.replace("%URL%", "http://127.0.0.1")), store };
    assert.deepEqual(await storeFinding(config), { level: "ok", text: "sqlite: opens and takes entries" });
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("check: a Redis user that may not run scripts is warned about, for the limits that replicas then don't share", {
  skip: "Bun" in globalThis && !process.env.MCP_OAUTH_PROXY_BIN ? needs("redis-server") : "once is enough",
}, async () => {
  const redis = await startRedis();
  try {
    const operator = await createClient({ url: redis.url }).connect();
    const rights = ["~mcp-oauth-proxy:*", "+set", "+get", "+del", "+select"];
    await operator.sendCommand(["ACL", "SETUSER", "proxy", "on", ">password", ...rights]);
    const store = { url: secret(redis.url.replace("redis://", "redis://proxy:password@")) };
    const config = { ...parseConfig(linear.replace("%URL%", "http://127.0.0.1")), store };
    const { level, text } = await storeFinding(config);
    assert.deepEqual([level, /EVAL with PTTL/.test(text)], ["warning", true], text);
    await operator.sendCommand(["ACL", "SETUSER", "proxy", "+eval", "+pttl"]);
    assert.equal((await storeFinding(config)).level, "ok");
    operator.destroy();
  } finally {
    await redis.remove();
  }
});

for (
  const [what, text, status, expected] of [
    ["verify_url refuses", `${linear}verify_url = "%URL%"\n`, 401, /^ok: verify_url refuses a missing key/],
    [
      "verify_url takes anything",
      `${linear}verify_url = "%URL%"\n`,
      200,
      /^problem: verify_url answers 200 without a key/,
    ],
    ["verify_url is elsewhere", `${linear}verify_url = "%URL%"\n`, 404, /^warning: verify_url answers 404/],
    ["the token URL answers", githubAt("%URL%"), 405, /^ok: oauth_token_url answers/],
    ["the token URL fails", githubAt("%URL%"), 503, /^warning: oauth_token_url answers 503/],
  ] as const
) {
  test(`check: ${what}`, async () => {
    const server = await startFakeMcpServer(json({}, { status }));
    try {
      const { strategy } = parseConfig(text.replaceAll("%URL%", server.url)).resources[0]!;
      const [finding, ...others] = await providerFindings(strategy, { fetch: globalThis.fetch, timeoutMs: 5000 });
      assert.deepEqual(others, []);
      assert.match(`${finding!.level}: ${finding!.text}`, expected);
    } finally {
      await server.close();
    }
  });
}

function githubAt(tokenUrl: string): string {
  return serverTable + githubTable.replace("https://github.com/login/oauth/access_token", tokenUrl);
}

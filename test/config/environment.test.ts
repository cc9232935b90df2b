import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChainedOAuthConfig } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { githubTable, minimal, serverTable, stateSecret } from "../support/config_text.ts";

test("S1-53: a variable beats the file", () => {
  const other = "/".repeat(2) + stateSecret.slice(2);
  const env = { MCP_PROXY_STATE_SECRET: other, MCP_PROXY_GITHUB_CLIENT_SECRET: "from env", LOG_LEVEL: "debug" };
  const config = parseConfig(`${serverTable}${githubTable}[log]\nlevel = "error"\n`, env);
  assert.equal(config.server.stateSecret.reveal(), other);
  assert.equal((config.resources[0]!.strategy as ChainedOAuthConfig).provider?.clientSecret?.reveal(), "from env");
  assert.equal(config.log.level, "debug");
});

test("S1-54: the state secret and client secrets may come from the environment alone, whatever the file holds in their place", () => {
  const env = { MCP_PROXY_STATE_SECRET: stateSecret, MCP_PROXY_MY_HUB_CLIENT_SECRET: "from env" };
  const hub = githubTable.replace("downstream.github", "downstream.my-hub");
  for (
    const [server, table] of [
      ['[server]\npublic_url = "https://mcp.example.com"\n', hub.replace(/oauth_client_secret.*\n/, "")],
      // what the chart of seed 1 renders
      [serverTable.replace(stateSecret, "A".repeat(43) + "="), hub.replace('"shh"', '"placeholder"')],
    ]
  ) {
    const config = parseConfig(server! + table!, env);
    assert.equal(config.server.stateSecret.reveal(), stateSecret);
    assert.equal((config.resources[0]!.strategy as ChainedOAuthConfig).provider?.clientSecret?.reveal(), "from env");
  }
});

for (
  const [env, level] of [
    [{}, "info"],
    [{ RUST_LOG: "debug" }, "debug"],
    [{ RUST_LOG: "tower_http=warn,mcp_oauth_proxy=trace" }, "trace"],
    [{ RUST_LOG: "hyper=info,warn" }, "warning"],
    [{ RUST_LOG: "something else" }, "info"],
    [{ LOG_LEVEL: "WARN", RUST_LOG: "trace" }, "warning"],
    [{ LOG_LEVEL: "panic" }, "fatal"],
    [{ LOG_LEVEL: "" }, "info"],
  ] as const
) {
  test(`S1-55, S2-54: ${JSON.stringify(env)} logs at ${level}`, () => {
    assert.equal(parseConfig(minimal, env).log.level, level);
  });
}

// The runbook of docs/operations.md, "A new state secret", step by step.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { type FakeMcpServer, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

let downstream: FakeMcpServer;
before(async () => void (downstream = await startFakeMcpServer()));
after(() => downstream.close());

/** Edits the file, sends SIGHUP and waits until the new configuration is in use. */
async function reload(proxy: ProxyProcess, edit: (text: string) => string): Promise<void> {
  const times = () => proxy.output().split("configuration_reloaded").length;
  const before = times();
  writeFileSync(proxy.configPath, edit(readFileSync(proxy.configPath, "utf8")));
  process.kill(proxy.pid, "SIGHUP");
  await eventually(async () => assert.ok(times() > before, proxy.output()));
}

test("a new state secret: nobody is logged out while the old one is among the previous, whoever never came back is after", async () => {
  const [old, fresh] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
  await using proxy = await startProxy({
    stateSecret: old,
    toml: `[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  const client = await createTestClient(proxy.url, "notes");
  const [active, away] = [await client.signIn(), await client.signIn()];
  const works = async (token: string) => (await client.mcp(token, { method: "POST", body: "{}" })).status;

  // Steps 1 and 2: the new secret seals, the old one still opens.
  await reload(
    proxy,
    (text) => text.replace(`state_secret = "${old}"`, `state_secret = "${fresh}"\nprevious_state_secrets = ["${old}"]`),
  );
  assert.deepEqual([await works(active.access_token!), await works(away.access_token!)], [200, 200]);
  const renewed = (await client.refresh(active.refresh_token!)).body;
  assert.equal(await works(renewed.access_token!), 200);

  // Step 4, after refresh_token_ttl: the old one goes.
  await reload(proxy, (text) => text.replace(/^previous_state_secrets.*\n/m, ""));
  assert.equal(await works(renewed.access_token!), 200);
  assert.equal(await works(away.access_token!), 401);
});

// The runbook of docs/operations.md, "A new state secret", step by step.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { type FakeMcpServer, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { createTestClient, type TestClient, testClient } from "../support/oauth_test_client.ts";
import { runProgram } from "../support/program.ts";
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

/** Several processes each, and nothing in them that a runtime could do differently. */
const skip = "Deno" in globalThis ? "once is enough" : undefined;

const toml = () =>
  `[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`;

/** What `mcp-oauth-proxy secret` prints (step 1). */
async function freshSecret(): Promise<string> {
  const { code, output } = await runProgram(["secret"]);
  assert.equal(code, 0, output);
  return output.trim();
}

const works = async (client: TestClient, token: string | undefined) =>
  (await client.mcp(token!, { method: "POST", body: "{}" })).status;

test("a new state secret: nobody is logged out while the old one is among the previous, whoever never came back is after", async () => {
  const [old, fresh] = [randomBytes(32).toString("base64"), await freshSecret()];
  await using proxy = await startProxy({ stateSecret: old, toml: toml() });
  const client = await createTestClient(proxy.url, "notes");
  const [active, away] = [await client.signIn(), await client.signIn()];

  // Steps 1 and 2: the new secret seals, the old one still opens.
  await reload(
    proxy,
    (text) => text.replace(`state_secret = "${old}"`, `state_secret = "${fresh}"\nprevious_state_secrets = ["${old}"]`),
  );
  assert.deepEqual([await works(client, active.access_token), await works(client, away.access_token)], [200, 200]);
  const renewed = (await client.refresh(active.refresh_token!)).body;
  assert.equal(await works(client, renewed.access_token), 200);

  // Step 4, after refresh_token_ttl: the old one goes, and with it all that nobody used since, but not the registration.
  await reload(proxy, (text) => text.replace(/^previous_state_secrets/m, "retired_state_secrets"));
  assert.equal(await works(client, renewed.access_token), 200);
  assert.equal((await client.refresh(renewed.refresh_token!)).status, 200);
  assert.equal(await works(client, away.access_token), 401);
  assert.equal((await client.refresh(away.refresh_token!)).body.error, "invalid_grant");
  assert.equal(await works(client, (await client.signIn()).access_token), 200);
});

test(
  "a new state secret with several replicas: first all can open it, then one after the other seals with it, and no request fails",
  { skip },
  async () => {
    const [old, fresh] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    await using one = await startProxy({ stateSecret: old, toml: toml() });
    await using two = await startProxy({ stateSecret: old, toml: toml(), publicUrl: one.url });
    const client = await createTestClient(one.url, "notes");
    const atTwo = testClient(two.url, "notes", client.clientId);
    /** What one hands out serves at the other. */
    const bothServeBoth = async () => {
      const tokens = await client.signIn();
      const renewed = (await atTwo.refresh(tokens.refresh_token!)).body;
      for (const { access_token } of [tokens, renewed]) {
        assert.deepEqual([await works(client, access_token), await works(atTwo, access_token)], [200, 200]);
      }
    };
    const set = (seals: string, opens: string) => (text: string) =>
      text.replace(
        /^state_secret.*\n(previous_state_secrets.*\n)?/m,
        `state_secret = "${seals}"\nprevious_state_secrets = ["${opens}"]\n`,
      );
    const steps: [ProxyProcess, string, string][] = [
      [one, old, fresh],
      [two, old, fresh],
      [one, fresh, old],
      [two, fresh, old],
    ];
    for (const [replica, seals, opens] of steps) {
      await reload(replica, set(seals, opens));
      await bothServeBoth();
    }
  },
);

test("a new state secret from the environment: restarts instead of reloads; after a leak the old one goes at once", {
  skip,
}, async () => {
  const [old, fresh] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
  const before = await startProxy({ stateSecret: "env:STATE_SECRET", toml: toml(), env: { STATE_SECRET: old } });
  const client = await createTestClient(before.url, "notes");
  const tokens = await client.signIn();
  assert.equal(await before.stop(), 0);

  const both = await startProxy({
    port: before.port,
    stateSecret: "env:STATE_SECRET",
    server: 'previous_state_secrets = ["env:OLD_STATE_SECRET"]',
    toml: toml(),
    env: { STATE_SECRET: fresh, OLD_STATE_SECRET: old },
  });
  assert.equal(await works(client, tokens.access_token), 200);
  assert.equal(await both.stop(), 0);

  await using _after = await startProxy({
    port: before.port,
    stateSecret: "env:STATE_SECRET",
    server: 'retired_state_secrets = ["env:OLD_STATE_SECRET"]',
    toml: toml(),
    env: { STATE_SECRET: fresh, OLD_STATE_SECRET: old },
  });
  assert.equal(await works(client, tokens.access_token), 401);
  assert.equal((await client.refresh(tokens.refresh_token!)).body.error, "invalid_grant");
  assert.equal(await works(client, (await client.signIn()).access_token), 200);
});

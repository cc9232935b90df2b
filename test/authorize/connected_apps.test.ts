// The lists behind /apps: what their keys say, and what gives way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accountList, browserList, findApps, rememberApp } from "../../lib/authorize/connected_apps.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { secret } from "../../lib/config/secrets.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { serverTable } from "../support/config_text.ts";
import { recordedLog } from "../support/recorded_log.ts";

const start = 1_800_000_000;
const configText = (issuer: string) =>
  `${serverTable}
[provider.company]
kind = "oidc"
issuer = "${issuer}"
client_id = "id"
client_secret = "the secret"

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
downstream_url = "https://wiki.example.com/mcp"
allow_everyone = true
`;

test("an account's list is named by a hash; the same id at another place is another account", () => {
  const account = { provider: "company", subject: "ada@example.com" };
  const list = accountList(parseConfig(configText("https://id.example.com")), account);
  assert.match(list, /^account-apps:[A-Za-z0-9_-]{43}$/);
  assert.equal(list, accountList(parseConfig(configText("https://id.example.com")), account));
  assert.notEqual(list, accountList(parseConfig(configText("https://id.example.org")), account));
});

test("a program that fills the list hides none of its own grants: what gives way has ended", async () => {
  const { log } = recordedLog();
  const now = () => start;
  const store = createMemoryStore({ now });
  const revocations = createRevocations({ store, now, log });
  const sealer = createSealer([secret(Buffer.alloc(32, 1).toString("base64"))], now);
  const tools = { config: parseConfig(configText("https://id.example.com")), sealer, store, revocations, now, log };
  const list = browserList("somebody");
  const give = (grantId: string, clientId: string) =>
    rememberApp(tools, list, { grantId, clientId, resource: "https://mcp.example.com/mcp/wiki", grantedAt: start });

  await give("honest", "an honest client");
  for (let i = 0; i <= 40; i++) await give(`hidden ${i}`, "another");
  const listed = (await findApps(tools, list)).map(({ grantId }) => grantId);
  assert.deepEqual([listed[0], listed[1], listed.at(-1), listed.length], ["honest", "hidden 2", "hidden 40", 40]);
  for (
    const [grant, ended] of [["hidden 0", true], ["hidden 1", true], ["hidden 2", false], ["honest", false]] as const
  ) {
    assert.equal(await revocations.isRevoked(grant), ended, grant);
  }
});

test("a full list lets go of what was ended and what ran out before anything that is alive", async () => {
  let time = start;
  const now = () => time;
  const { log } = recordedLog();
  const store = createMemoryStore({ now });
  const revocations = createRevocations({ store, now, log });
  const sealer = createSealer([secret(Buffer.alloc(32, 1).toString("base64"))], now);
  const tools = { config: parseConfig(configText("https://id.example.com")), sealer, store, revocations, now, log };
  const list = browserList("somebody");
  const give = (grantId: string) =>
    rememberApp(tools, list, {
      grantId,
      clientId: "client",
      resource: "https://mcp.example.com/mcp/wiki",
      grantedAt: time,
    });
  const listed = async () => (await findApps(tools, list)).map(({ grantId }) => grantId);

  await give("ran out");
  time += tools.config.tokens.refreshTokenTtlSeconds;
  for (let i = 0; i < 39; i++) await give(`grant ${i}`);
  assert.equal((await listed()).length, 40);
  await revocations.revoke("grant 20", time + 1000);
  await give("new");
  const after = await listed();
  assert.ok(!after.includes("ran out") && !after.includes("grant 20"));
  assert.deepEqual([after[0], after.at(-1), after.length], ["grant 0", "new", 39]);
  for (let i = 0; i < 2; i++) await give(`newer ${i}`);
  assert.deepEqual([(await listed())[0], (await listed()).length], ["grant 1", 40], "then the oldest");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../lib/clients/client.ts";
import { parseConfig } from "../../lib/config/load.ts";
import { secret } from "../../lib/config/secrets.ts";
import { createRefreshTokenGrant } from "../../lib/grants/refresh_token_grant.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { sealRefreshToken } from "../../lib/tokens/refresh_token.ts";
import { minimal, stateSecret } from "../support/config_text.ts";
import { recordedLog } from "../support/recorded_log.ts";

type Tools = Parameters<typeof createRefreshTokenGrant>[0];

const start = 1_800_000_000;
const day = 86_400;

/** Refreshes under a configuration, in a store that outlives it. */
function stage() {
  let time = start;
  const now = () => time;
  const { log } = recordedLog();
  const store = createMemoryStore({ now });
  const revocations = createRevocations({ store, now, log });
  const sealer = createSealer([secret(stateSecret)], now);
  const client = { clientId: "client" } as Client;
  const under = (toml: string) => {
    const config = parseConfig(minimal + toml, {});
    const [resource] = config.resources;
    const grant = { id: "grant", clientId: "client", resource: resource!.urls.resource, scope: [], grantedAt: start };
    const refresh = createRefreshTokenGrant(
      {
        ...{ store, revocations, sealer, log, now, lifetimes: config.tokens },
        accessTokens: { issue: () => Promise.resolve("access token") },
        strategies: { of: () => ({ renew: (grant: unknown) => Promise.resolve(grant) }) },
      } as unknown as Tools,
    );
    return {
      first: sealRefreshToken(sealer, { id: "first", grant }, start + config.tokens.refreshTokenTtlSeconds),
      refresh: async (token: string) =>
        (await refresh(resource!, { client, parameters: { refresh_token: token } })).response.refresh_token,
    };
  };
  return { under, goTo: (moment: number) => void (time = moment) };
}

test("a shorter refresh_token_ttl counts for what was handed out before: else a revocation would be forgotten first", async () => {
  const { under, goTo } = stage();
  const before = under(`[tokens]\nrefresh_token_ttl = ${30 * day}\n`);
  const token = await before.refresh(before.first);
  const after = under(`[tokens]\nrefresh_token_ttl = ${day}\n`);
  goTo(start + day);
  await assert.rejects(after.refresh(token), { code: "invalid_grant" });
  goTo(start + day - 1);
  const next = await after.refresh(token);
  goTo(start + 2 * day - 2);
  assert.ok(await after.refresh(next), "each use starts it anew");
});

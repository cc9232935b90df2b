import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { secret } from "../../lib/config/secrets.ts";
import { revocationEndpoint } from "../../lib/grants/revocation_endpoint.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { sealRefreshToken } from "../../lib/tokens/refresh_token.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { minimal, stateSecret } from "../support/config_text.ts";
import { recordedLog } from "../support/recorded_log.ts";

type EndpointDeps = Parameters<typeof revocationEndpoint>[0];

function stage(now: () => number, toml = "") {
  const config = parseConfig(minimal + toml, {});
  const [resource] = config.resources;
  const { log } = recordedLog();
  const store = createMemoryStore({ now });
  const revocations = createRevocations({ store, now, log });
  const sealer = createSealer([secret(stateSecret)], now);
  const client = { clientId: "client", authentication: { method: "none" } };
  const deps = {
    ...{ config, store, revocations, sealer, log, now },
    clients: { find: () => Promise.resolve(client) },
    strategies: { of: () => ({}) },
  } as unknown as EndpointDeps;
  const revoke = (token: string) =>
    revocationEndpoint(deps)(
      new Request("https://mcp.example.com/revoke", {
        method: "POST",
        body: new URLSearchParams({ token, client_id: "client" }),
      }),
      resource!,
    );
  const grant = { id: "grant", clientId: "client", resource: resource!.urls.resource, scope: [], grantedAt: now() };
  return { revocations, revoke, sealer, grant };
}

test("a revoked grant stays so as long as its access tokens live, where they outlive the refresh token", async () => {
  const start = 1_800_000_000;
  let time = start;
  const now = () => time;
  const { revocations, revoke, sealer, grant } = stage(
    now,
    "[tokens]\naccess_token_ttl = 7200\nrefresh_token_ttl = 60\n",
  );
  assert.equal((await revoke(sealRefreshToken(sealer, { id: "first", grant }, start + 60))).status, 200);
  time = start + 7199;
  assert.equal(await revocations.isRevoked("grant"), true);
});

test("RFC 7009 §2.1: revoking an old refresh token ends the grant for as long as newer ones live, and shortens no revocation", async () => {
  const start = 1_800_000_000;
  const day = 86_400;
  let time = start;
  const now = () => time;
  const { revocations, revoke, sealer, grant } = stage(now);
  const first = sealRefreshToken(sealer, { id: "first", grant }, start + 30 * day);

  time = start + 29 * day; // rotated a moment ago: its successor lives until day 59
  const successorExpiresAt = time + 30 * day;
  assert.equal((await revoke(first)).status, 200);
  time = successorExpiresAt - 1;
  assert.equal(await revocations.isRevoked("grant"), true);

  // A reuse was detected, and whoever holds the tokens revokes an older one to make that be forgotten.
  time = start + 29 * day;
  await revocations.revoke("grant", successorExpiresAt);
  assert.equal((await revoke(first)).status, 200);
  time = successorExpiresAt - 1;
  assert.equal(await revocations.isRevoked("grant"), true);
});

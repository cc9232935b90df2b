import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { secret } from "../../lib/config/secrets.ts";
import { rememberedRegistrations } from "../../lib/providers/remembered_registrations.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { stateSecrets } from "../support/client_tools.ts";
import { minimal } from "../support/config_text.ts";
import { recordedLog } from "../support/recorded_log.ts";

const now = () => 1_800_000_000;

test("a registration at a provider outlives the secret that sealed it, once it was used under the next one", async () => {
  const store = createMemoryStore({ now });
  const resource = parseConfig(minimal).resources[0]!;
  const under = (...secrets: string[]) =>
    rememberedRegistrations(resource, {
      store,
      sealer: createSealer(secrets.map(secret), now),
      log: recordedLog().log,
      now,
    });
  const issuer = "https://id.example.com";
  const identity = { clientId: "us", method: "none" } as const;
  await under(stateSecrets.first).remember(issuer, identity, now());
  assert.equal(await under(stateSecrets.second).recall(issuer), undefined);
  assert.deepEqual(await under(stateSecrets.second, stateSecrets.first).recall(issuer), identity);
  assert.deepEqual(await under(stateSecrets.second).recall(issuer), identity);
});

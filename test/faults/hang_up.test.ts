// A refresh costs the provider's refresh token; what it brings must not be lost with the client that asked.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { signIn } from "../support/chained_stage.ts";
import { eventually } from "../support/eventually.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";
import { chainedConfiguration, startRotatingProvider } from "./rotating_provider.ts";

test("a restart waits for a refresh whose client hung up: its refresh token is good afterwards, the provider's used once", async () => {
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "mcp-oauth-proxy-faults-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  let latencyMs = 0;
  const provider = cleanup.use(await startRotatingProvider({ graceMs: 0, latencyMs: () => latencyMs, failing: 0 }));
  const options = {
    stateSecret: randomBytes(32).toString("base64"),
    toml: chainedConfiguration(provider, `sqlite:${folder}/state.db`),
  };
  const first = cleanup.use(await startProxy(options));
  const client = await createTestClient(first.url, "notes");
  const { refresh_token } = (await signIn(client)).answer.body;

  latencyMs = 500;
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: client.clientId,
    refresh_token: refresh_token!,
  });
  const sent = request(`${first.url}/token/mcp/notes`, {
    method: "POST",
    agent: false,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  const gone = new Promise((settle) => sent.on("close", settle).on("error", settle));
  sent.end(body.toString());
  await eventually(() => Promise.resolve(assert.equal(provider.refreshes, 1)));
  sent.destroy();
  await gone;
  assert.equal(await first.stop("SIGTERM"), 0);

  cleanup.use(await startProxy({ ...options, port: first.port }));
  assert.equal((await client.refresh(refresh_token!)).status, 200);
  assert.deepEqual([provider.refreshes, provider.reuses], [1, []]);
});

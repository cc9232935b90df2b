// One or two proxies with one secret, one public URL and one store, and a client that sends half of its requests to each.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeProvider, startFakeProvider } from "./fake_provider.ts";
import { freePort } from "./free_port.ts";
import { createTestClient, type TestClient, testClient } from "./oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "./proxy_process.ts";
import { recordingDownstream } from "./recording_downstream.ts";
import { startRedis } from "./redis_server.ts";

export type StoreKind = "memory" | "sqlite" | "redis";

export interface RaceStage {
  /** The first one's address is the public one. */
  proxies: ProxyProcess[];
  provider: FakeProvider;
  /** The same client, at each of the proxies. */
  clients(downstream: "notes" | "hub"): Promise<TestClient[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `memory` is one process; the others are two. */
export async function stageRace(kind: StoreKind): Promise<RaceStage> {
  await using cleanUp = new AsyncDisposableStack();
  const downstream = cleanUp.use(await recordingDownstream());
  const provider = await startFakeProvider({ rotate: true });
  cleanUp.defer(() => provider.stop());
  const { url, remove } = await startStore(kind);
  cleanUp.defer(remove);
  const ports = [await freePort(), await freePort()].slice(0, kind === "memory" ? 1 : 2);
  const options = {
    stateSecret: randomBytes(32).toString("base64"),
    publicUrl: `http://127.0.0.1:${ports[0]}`,
    toml: `
[store]
url = "${url}"
[rate_limit]
per_address = 0
per_client = 0
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
[downstream.hub]
display_name = "Hub"
strategy = "chained_oauth"
downstream_url = "${downstream.url}"
oauth_authorize_url = "${provider.url}/authorize"
oauth_token_url = "${provider.url}/token"
oauth_client_id = "${provider.options.clientId}"
oauth_client_secret = "${provider.options.clientSecret}"
oauth_supports_refresh = true
`,
  };
  const proxies = await Promise.all(ports.map((port) => startProxy({ ...options, port })));
  for (const proxy of proxies) cleanUp.use(proxy);
  const rest = cleanUp.move();
  return {
    proxies,
    provider,
    async clients(name) {
      const first = await createTestClient(options.publicUrl, name);
      return [first, ...proxies.slice(1).map((proxy) => testClient(proxy.url, name, first.clientId))];
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

async function startStore(kind: StoreKind): Promise<{ url: string; remove: () => Promise<void> }> {
  if (kind === "memory") return { url: "memory:", remove: async () => {} };
  if (kind === "redis") return await startRedis();
  const folder = mkdtempSync(join(tmpdir(), "race-stage-"));
  return {
    url: `sqlite:${join(folder, "state.db")}`,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

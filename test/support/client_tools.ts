// Clients over a fake web, a fixed clock and a recorded log.
import { createClients } from "../../lib/clients/create_clients.ts";
import type { Clients } from "../../lib/clients/client.ts";
import type { ClientsConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import type { Store } from "../../lib/store/store.ts";
import type { Log } from "../../lib/telemetry/log.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { type FakeDocuments, fakeDocuments } from "./fake_documents.ts";
import { type RecordedEvent, recordedLog } from "./recorded_log.ts";

export interface ClientTools extends FakeDocuments {
  clients: Clients;
  store: Store;
  log: Log;
  events: RecordedEvent[];
  now: () => number;
  clock: { now: number };
}

export const stateSecrets = {
  first: Buffer.alloc(32, 1).toString("base64"),
  second: Buffer.alloc(32, 2).toString("base64"),
};

/** Everything that the client files take; `config` overrides the defaults of config.md. */
export function clientTools(config: Partial<ClientsConfig> = {}, secrets = [stateSecrets.first]): ClientTools {
  const clock = { now: 1_800_000_000 };
  const now = () => clock.now;
  const web = fakeDocuments();
  const { log, events } = recordedLog();
  const clients = createClients({
    config: {
      clientIdMetadataDocuments: true,
      dynamicRegistration: true,
      redirects: ["claude", "chatgpt", "cursor", "vscode", "inspector", "loopback"],
      allowLoopbackMetadata: false,
      preRegistered: [],
      ...config,
    },
    sealer: createSealer(secrets.map(secret), now),
    safeFetch: web.safeFetch,
    now,
    log,
  });
  return { ...web, clients, store: createMemoryStore({ now }), log, events, now, clock };
}

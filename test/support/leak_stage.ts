// The whole proxy at `trace` with one downstream of every strategy, a store that can be read, and a relay that keeps what clients
// were told: all places where a secret could turn up.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { createFakeOpenId, type FakeOpenId } from "./fake_openid.ts";
import { type FakeProvider, startFakeProvider } from "./fake_provider.ts";
import { listen } from "./fake_server.ts";
import { redirectUri, type TestClient, testClient } from "./oauth_test_client.ts";
import { startProtectedMcpServer } from "./protected_mcp_server.ts";
import { startProxy } from "./proxy_process.ts";
import { recordingDownstream } from "./recording_downstream.ts";
import { startRecordingRelay } from "./recording_relay.ts";
import { startRedis } from "./redis_server.ts";

export interface LeakStage {
  /** Of the downstreams `chained` and `discovered`. */
  provider: FakeProvider;
  registering: FakeProvider;
  openId: FakeOpenId;
  /** Of the configuration, by name. */
  secrets: Map<string, string>;
  /** A confidential client that comes through the relay. */
  client(downstream: string): TestClient;
  /** Of the proxy itself, for a reverse proxy that asks it. */
  origin: string;
  /** What the proxy wrote, said or shows, by place; `answers` is what clients were told. */
  places(): Promise<Record<"log" | "metrics" | "arguments" | "store" | "answers", string>>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const badKey = () => `bad-key-${randomBytes(12).toString("hex")}`;

export async function stageLeaks(kind: "sqlite" | "redis"): Promise<LeakStage> {
  await using cleanUp = new AsyncDisposableStack();
  const secret = (what: string) => `${what}-${randomBytes(12).toString("hex")}`;
  const secrets = new Map([
    ["state_secret", randomBytes(32).toString("base64")],
    ["client_secret of the client", secret("agent")],
    ["client_secret at the chained provider", secret("hub")],
    ["client_secret at the login provider", secret("company")],
    ["credential of the login downstream", secret("service")],
    ["query of a downstream_url", secret("tenant")],
  ]);
  const downstream = cleanUp.use(
    await recordingDownstream(({ authorization }) => authorization?.startsWith("Bearer bad-key-") ? 401 : 200),
  );
  const provider = await startFakeProvider({
    rotate: true,
    clientSecret: secrets.get("client_secret at the chained provider")!,
  });
  cleanUp.defer(() => provider.stop());
  const registering = await startFakeProvider({ rotate: true, registers: true, sendsIssuer: true });
  cleanUp.defer(() => registering.stop());
  const files = cleanUp.use(await startProtectedMcpServer(registering));
  const openId = await createFakeOpenId({
    issuer: "http://127.0.0.1",
    now: () => Math.floor(Date.now() / 1000),
  });
  openId.clientSecret = secrets.get("client_secret at the login provider")!;
  const openIdServer = cleanUp.use(listen(openId));
  openId.moveTo(openIdServer.url);
  const relay = cleanUp.use(await startRecordingRelay());
  const store = await readableStore(kind);
  cleanUp.defer(store.remove);

  const tenant = secrets.get("query of a downstream_url")!;
  const proxy = cleanUp.use(
    await startProxy({
      logLevel: "trace",
      publicUrl: relay.url,
      stateSecret: secrets.get("state_secret")!,
      server: `trusted_proxies = ["127.0.0.1"]`,
      env: {
        AGENT_SECRET: secrets.get("client_secret of the client")!,
        SERVICE_KEY: secrets.get("credential of the login downstream")!,
      },
      toml: `
[store]
url = "${store.url}"
[client.agent]
name = "Agent"
redirect_uris = ["${redirectUri}"]
client_secret = "env:AGENT_SECRET"
[provider.company]
kind = "oidc"
issuer = "${openIdServer.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"
[downstream.passthrough]
display_name = "A pasted key"
strategy = "passthrough"
downstream_url = "${downstream.url}?tenant=${tenant}"
verify_url = "${downstream.url}?tenant=${tenant}"
forward_auth = true
[downstream.chained]
display_name = "Another service's OAuth"
strategy = "chained_oauth"
downstream_url = "${downstream.url}?tenant=${tenant}"
oauth_authorize_url = "${provider.url}/authorize"
oauth_token_url = "${provider.url}/token"
oauth_client_id = "${provider.options.clientId}"
oauth_client_secret = "${provider.options.clientSecret}"
oauth_supports_refresh = true
[downstream.discovered]
display_name = "An OAuth that is discovered"
strategy = "chained_oauth"
downstream_url = "${files.url}"
[downstream.login]
display_name = "The company's login"
strategy = "login"
provider = "company"
allowed_email_domains = ["example.com"]
downstream_url = "${downstream.url}?tenant=${tenant}"
credential = "env:SERVICE_KEY"
`,
    }),
  );
  relay.to(proxy.port);
  const rest = cleanUp.move();
  return {
    provider,
    registering,
    openId,
    secrets,
    origin: proxy.url,
    client: (name) => testClient(relay.url, name, "agent"),
    async places() {
      return {
        log: await proxy.settledOutput(),
        metrics: await (await fetch(`${proxy.url}/metrics`)).text(),
        arguments: execFileSync("cat", [`/proc/${proxy.pid}/cmdline`], { encoding: "utf8" }), // Deno itself may not
        store: await store.contents(),
        answers: relay.answers(),
      };
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** A store whose keys and values a test can read. */
async function readableStore(kind: "sqlite" | "redis") {
  if (kind === "redis") {
    const server = await startRedis();
    return {
      url: server.url,
      remove: server.remove,
      async contents() {
        const redis = await createClient({ url: server.url, RESP: 2 }).connect();
        const keys = await redis.keys("*");
        const values = await Promise.all(keys.map((key) => redis.get(key)));
        redis.destroy();
        return [...keys, ...values].join("\n");
      },
    };
  }
  const folder = mkdtempSync(join(tmpdir(), "leak-stage-"));
  return {
    url: `sqlite:${join(folder, "state.db")}`,
    remove: async () => rmSync(folder, { recursive: true, force: true }),
    // The file with its write-ahead log, as it lies on the disk.
    contents: async () => readdirSync(folder).map((file) => readFileSync(join(folder, file), "latin1")).join("\n"),
  };
}

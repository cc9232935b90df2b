// mcpEndpoint on a real socket in front of one downstream, with real tokens and nothing else around it.
import type { Resource, ServerConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import type { Identity } from "../../lib/oauth/grant.ts";
import { mcpEndpoint } from "../../lib/proxy/mcp_endpoint.ts";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { createResourceScopes } from "../../lib/scopes/resource_scopes.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations, type Revocations } from "../../lib/store/revocations.ts";
import type { Strategy } from "../../lib/strategies/strategy.ts";
import type { Fields, Level, Log } from "../../lib/telemetry/log.ts";
import { createAccessTokens } from "../../lib/tokens/access_token.ts";
import { createDerivedKeys } from "../../lib/tokens/signing_keys.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { resourceUrls } from "../../lib/urls.ts";

export const now = 1_900_000_000;
export const publicUrl = "https://proxy.example.com";

export interface McpProxyOptions {
  resource?: Partial<Resource>;
  server?: Partial<ServerConfig>;
  /** What the downstream is sent. */
  credential?: string;
  /** What happens to the credential of a live token. */
  strategy?: Pick<Strategy, "current" | "replace" | "revoke">;
  /** Downstreams are asked by fetch, as those with TLS are. */
  viaFetch?: boolean;
  /** Implies `viaFetch`. */
  fetch?: typeof fetch;
  /** The listener's, on Bun. */
  idleTimeoutSeconds?: number;
  reuseConnectionsWithinMs?: number;
}

export interface McpProxy {
  port: number;
  /** Of the MCP server as published. */
  url: string;
  token: string;
  /** A token as `token`, with changes. */
  issue(
    changes: {
      resource?: string;
      expiresAt?: number;
      grantId?: string;
      scope?: readonly string[];
      identity?: Identity;
    },
  ): Promise<string>;
  /** To the MCP server, with `token` unless the headers say otherwise. */
  send(init?: RequestInit & { path?: string }): Promise<Response>;
  revocations: Revocations;
  logged: { level: Level; event: string; fields: Fields }[];
  stop(): Promise<void>;
}

/** Its tokens are issued here, so nothing is asked of it. */
const withoutStrategy: Strategy = {
  begin: () => Promise.reject(new TypeError("no logins here")),
  finish: () => Promise.reject(new TypeError("no logins here")),
  renew: (grant) => Promise.resolve(grant),
};

export async function startMcpProxy(downstreamUrl: string, options: McpProxyOptions = {}): Promise<McpProxy> {
  const resource = testResource({ downstreamUrl, ...options.resource });
  const secrets = [serverDefaults.stateSecret];
  const sealer = createSealer(secrets, () => now);
  const keys = createDerivedKeys({ secrets, rotationSeconds: 86_400, tokenTtlSeconds: 3600, now: () => now });
  const { log, logged } = recordingLog();
  const revocations = createRevocations({ store: createMemoryStore({ now: () => now }), now: () => now, log });
  const accessTokens = createAccessTokens({ sealer, keys, revocations, now: () => now });
  const endpoint = mcpEndpoint({
    config: { server: { ...serverDefaults, ...options.server } },
    accessTokens,
    revocations,
    sealer,
    scopes: createResourceScopes({ fetch, now: () => now, log }),
    strategies: { of: () => ({ ...withoutStrategy, ...options.strategy }) },
    fetch: options.fetch ?? fetch,
    connectTcp: options.viaFetch || options.fetch !== undefined ? undefined : currentRuntime().connectTcp,
    log,
    metrics: { streamOpened: () => {}, streamEnded: () => {}, bytesCarried: () => {} },
    now: () => now,
    reuseConnectionsWithinMs: options.reuseConnectionsWithinMs,
  });
  const listener = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    ...(options.idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds: options.idleTimeoutSeconds }),
    fetch: (request, connection) =>
      endpoint(request, resource, {
        request,
        url: new URL(request.url),
        connection,
        facts: { requestId: "request-1" },
        address: "127.0.0.1",
      }),
  });
  const issue: McpProxy["issue"] = (changes) =>
    accessTokens.issue(
      {
        id: changes.grantId ?? "grant-1",
        clientId: "client-1",
        resource: changes.resource ?? resource.urls.resource,
        scope: changes.scope ?? [],
        grantedAt: now,
        ...(changes.identity === undefined ? {} : { identity: changes.identity }),
        credential: { value: options.credential ?? "the-key" },
      },
      resource,
      { scope: changes.scope ?? [], expiresAt: changes.expiresAt ?? now + 3600 },
    );
  const token = await issue({});
  const origin = `http://127.0.0.1:${listener.port}`;
  return {
    port: listener.port,
    url: `${origin}/mcp/fake`,
    token,
    issue,
    logged,
    revocations,
    send({ path = "/mcp/fake", headers, ...init } = {}) {
      const withToken = new Headers(headers);
      if (!withToken.has("authorization")) withToken.set("authorization", `Bearer ${token}`);
      return fetch(origin + path, { redirect: "manual", ...init, headers: withToken });
    },
    stop: () => listener.stop(0),
  };
}

export function testResource(changes: Partial<Resource> = {}): Resource {
  return {
    name: "fake",
    displayName: "Fake",
    urls: resourceUrls({ by: "path", publicUrl, name: "fake" }),
    authHeaderFormat: "Bearer",
    scopes: [],
    rawAccessTokens: false,
    strategy: { kind: "passthrough" },
    ...changes,
  };
}

export const serverDefaults: ServerConfig = {
  host: "127.0.0.1",
  port: 0,
  publicUrl,
  stateSecret: secret(Buffer.alloc(32, 7).toString("base64")),
  previousStateSecrets: [],
  retiredStateSecrets: [],
  authCodeTtlSeconds: 300,
  loginTtlSeconds: 600,
  trustedProxies: [],
  allowedOrigins: [],
  bodyLimitBytes: 10_485_760,
  connectTimeoutSeconds: 10,
  idleTimeoutSeconds: 600,
  sseKeepaliveSeconds: 0,
  shutdownGraceSeconds: 10,
  publicIndex: true,
};

function recordingLog(): { log: Log; logged: McpProxy["logged"] } {
  const logged: McpProxy["logged"] = [];
  const write = (level: Level) => (event: string, fields: Fields = {}) => void logged.push({ level, event, fields });
  const levels: Level[] = ["fatal", "error", "warning", "info", "debug", "trace"];
  return { log: Object.fromEntries(levels.map((level) => [level, write(level)])) as Log, logged };
}

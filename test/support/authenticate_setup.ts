// The /authenticate endpoint with real tokens, asked without a socket.
import type { Resource } from "../../lib/config/config.ts";
import type { Identity } from "../../lib/oauth/grant.ts";
import { authenticateEndpoint } from "../../lib/proxy/authenticate_endpoint.ts";
import { createResourceScopes } from "../../lib/scopes/resource_scopes.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import type { Strategy } from "../../lib/strategies/strategy.ts";
import { createAccessTokens } from "../../lib/tokens/access_token.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { createDerivedKeys } from "../../lib/tokens/signing_keys.ts";
import { now, serverDefaults, testResource } from "./mcp_proxy.ts";
import { type RecordedEvent, recordedLog } from "./recorded_log.ts";

export interface AuthenticateSetup {
  resource: Resource;
  events: RecordedEvent[];
  token(changes?: { scope?: string[]; identity?: Identity; expiresAt?: number; resource?: Resource }): Promise<string>;
  ask(headers: Record<string, string>, asker?: { isTrusted: boolean }): Promise<Response>;
}

const strategy: Strategy = {
  begin: () => Promise.reject(new TypeError("no logins here")),
  finish: () => Promise.reject(new TypeError("no logins here")),
  renew: (grant) => Promise.resolve(grant),
};

export const ada: Identity = { subject: "id-of-ada", name: "Ada", email: "ada@example.com", groups: ["a,b", "größe"] };

export function authenticateSetup(changes: Partial<Resource> = {}): AuthenticateSetup {
  const resource = testResource(changes);
  const secrets = [serverDefaults.stateSecret];
  const { log, events } = recordedLog();
  const clock = () => now;
  const accessTokens = createAccessTokens({
    sealer: createSealer(secrets, clock),
    keys: createDerivedKeys({ secrets, rotationSeconds: 86_400, tokenTtlSeconds: 3600, now: clock }),
    revocations: createRevocations({ store: createMemoryStore({ now: clock }), now: clock, log }),
    now: clock,
  });
  const endpoint = authenticateEndpoint({
    accessTokens,
    log,
    scopes: createResourceScopes({ fetch, now: clock, log }),
    strategies: { of: () => strategy },
  });
  return {
    resource,
    events,
    token({ scope = [], identity = ada, expiresAt = now + 3600, resource: audience = resource } = {}) {
      const grant = {
        id: "grant-1",
        clientId: "client-1",
        resource: audience.urls.resource,
        scope,
        identity,
        grantedAt: now,
        credential: { value: "the-key" },
      };
      return accessTokens.issue(grant, audience, { scope, expiresAt });
    },
    ask: (headers, asker = { isTrusted: true }) =>
      endpoint(new Request(resource.urls.authenticate, { headers }), resource, asker),
  };
}

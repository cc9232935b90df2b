// Access tokens as a running proxy would issue them, made with its configuration and secret instead of a sign-in.
import { parseConfig } from "../../lib/config/load.ts";
import type { Credential, Identity } from "../../lib/oauth/grant.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { createAccessTokens } from "../../lib/tokens/access_token.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { createDerivedKeys } from "../../lib/tokens/signing_keys.ts";
import { recordedLog } from "./recorded_log.ts";

export interface Minted {
  /** Names the grant; the same for all when absent. */
  grantId?: string;
  scope?: readonly string[];
  identity?: Identity;
  credential?: Credential;
  /** Seconds from now; negative: expired. */
  lifetimeSeconds?: number;
}

/** @param toml the whole configuration of the proxy */
export function createMint(toml: string): (downstream: string, minted?: Minted) => Promise<string> {
  const config = parseConfig(toml);
  const now = () => Math.floor(Date.now() / 1000);
  const secrets = [config.server.stateSecret];
  const { log } = recordedLog();
  const tokens = createAccessTokens({
    sealer: createSealer(secrets, now),
    keys: createDerivedKeys({
      secrets,
      rotationSeconds: config.tokens.signingKeyRotationSeconds,
      tokenTtlSeconds: config.tokens.accessTokenTtlSeconds,
      now,
    }),
    revocations: createRevocations({ store: createMemoryStore({ now }), now, log }),
    now,
  });
  return (downstream, { scope = [], lifetimeSeconds = 3600, grantId = "grant-of-22-characters", ...granted } = {}) => {
    const resource = config.resources.find(({ name }) => name === downstream);
    if (resource === undefined) throw new Error(`no downstream ${downstream}`);
    const grant = {
      id: grantId,
      clientId: "client-1",
      resource: resource.urls.resource,
      grantedAt: now(),
      scope,
      ...granted,
    };
    return tokens.issue(grant, resource, { scope, expiresAt: now() + lifetimeSeconds });
  };
}

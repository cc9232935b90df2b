// What we are registered as at discovered providers: sealed in the store, per resource, issuer and redirect URI (client ids are
// unique per issuer, RFC 6749 §2.2, and a changed redirect URI needs a new registration).
import { createHash } from "node:crypto";
import type { Resource } from "../config/config.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";
import type { ClientIdentity } from "./register_with_provider.ts";

export interface RememberedRegistrations {
  /** Never throws: a store that is down costs a registration, not a login. */
  recall(issuer: string): Promise<ClientIdentity | undefined>;
  remember(issuer: string, identity: ClientIdentity, now: number): Promise<void>;
  forget(issuer: string): Promise<void>;
}

const lifetimeSeconds = 365 * 86_400;
/** A secret that ends during a login is no use. */
const marginSeconds = 3600;

export function rememberedRegistrations(
  resource: Resource,
  { store, sealer, log, now }: { store: Store; sealer: Sealer; log: Log; now: () => number },
): RememberedRegistrations {
  const keyOf = (issuer: string) => {
    const hash = createHash("sha256").update(`${issuer} ${resource.urls.callback}`).digest("base64url");
    return `registration:${resource.name.slice(0, 64)}:${hash}`;
  };

  async function attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      log.warning("registration_not_remembered", { resource: resource.name, error });
      return undefined;
    }
  }

  async function remember(issuer: string, identity: ClientIdentity): Promise<void> {
    const until = now() + lifetimeSeconds;
    await attempt(() => store.put(keyOf(issuer), sealer.seal("provider registration", identity, until), until));
  }

  return {
    recall: (issuer) =>
      attempt(async () => {
        const sealed = await store.get(keyOf(issuer));
        const opened = sealed === undefined ? undefined : sealer.open("provider registration", sealed);
        if (sealed === undefined || opened === undefined || opened === "expired") return undefined;
        const identity = opened.value as ClientIdentity;
        // The refresh tokens of all users are bound to it: it must not go with the old secret.
        if (sealer.isOutdated("provider registration", sealed)) await remember(issuer, identity);
        return (identity.expiresAt ?? Infinity) > now() + marginSeconds ? identity : undefined;
      }),
    remember,
    async forget(issuer) {
      await attempt(() => store.delete(keyOf(issuer)));
    },
  };
}

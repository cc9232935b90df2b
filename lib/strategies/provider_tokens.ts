// The newest provider tokens of each grant, sealed in the store. Tokens that the client holds carry them too; ours are for
// telling the provider that a grant has ended when the client is not there to show its own. Where the store outlives the
// process, two more things become possible without losing a rotated refresh token: a refresh whose answer never reached us
// complete, and a refresh while the client's token is still live.
import { createHash } from "node:crypto";
import { OAuthError } from "../oauth/errors.ts";
import type { Credential } from "../oauth/grant.ts";
import { type Leases, LeaseTakenError } from "../store/lease.ts";
import { type Store, StoreUnavailableError } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";

export type Refresh = (credential: Credential & { refreshToken: string }, now: number) => Promise<Credential>;

interface RefreshCall {
  now: number;
  /** Asks the provider. */
  refresh: Refresh;
}

export interface ProviderTokenKeeper {
  /** A grant begins with this credential. Never throws. */
  keep(grantId: string, credential: Credential, now: number): Promise<void>;
  /**
   * At the client's refresh: the credential that follows `carried`, from the provider unless it was fetched before.
   *
   * @throws whatever `refresh` throws; OAuthError `temporarily_unavailable` when another replica is at it for too long
   */
  renew(grantId: string, carried: Credential, call: RefreshCall): Promise<Credential>;
  /** Memory only: what replaced `carried` in this process. */
  current(grantId: string, carried: string | undefined): string | undefined;
  /** The downstream refused `refused`: what may be tried instead. Never throws. */
  replace(grantId: string, refused: string, call: RefreshCall): Promise<string | undefined>;
  /** The grant has ended. Gives the newest credential that anybody knows of, for revoking it. Never throws. */
  forget(grantId: string, carried: Credential | undefined): Promise<Credential | undefined>;
}

interface Kept {
  credential: Credential;
  /** Before this moment (seconds since the epoch) a refusal by the downstream leads to no refresh. */
  restUntil: number;
  /** Hashes of the values before it, the newest last. */
  previous: string[];
}

interface FetchAndKeep {
  /** Hashes of what came before. */
  previous: string[] | undefined;
  call: RefreshCall;
}

/** A credential with less life than this is refreshed rather than handed out. */
const marginSeconds = 60;
/** A credential that was refreshed so recently and is refused would be refused after another refresh too. */
const restSeconds = 60;
const maxPrevious = 8;
const maxReplaced = 10_000;

export function createProviderTokenKeeper(tools: {
  store: Store;
  sealer: Sealer;
  leases: Leases;
  /** As long as our refresh tokens live without use. */
  lifetimeSeconds: number;
  log: Log;
}): ProviderTokenKeeper {
  const { store, sealer, leases, log } = tools;
  /** Per grant: what was refused in this process, and what goes downstream instead. */
  const replaced = new Map<string, { refused: string[]; value: string }>();

  async function read(grantId: string): Promise<Kept | undefined> {
    const sealed = await store.get(keyOf(grantId));
    const opened = sealed === undefined ? undefined : sealer.open("provider tokens", sealed);
    return opened === undefined || opened === "expired" ? undefined : opened.value as Kept;
  }

  /** Without a store that lasts: what the client carries is all there is to go by, a copy is kept for `forget` alone. */
  async function renewForgetful(grantId: string, carried: Credential, call: RefreshCall): Promise<Credential> {
    const credential = await fetchNext(carried, call);
    await write(grantId, { credential, restUntil: call.now + restSeconds, previous: [] }, call.now);
    return credential;
  }

  async function write(grantId: string, kept: Kept, now: number): Promise<void> {
    const until = now + tools.lifetimeSeconds;
    try {
      await store.put(keyOf(grantId), sealer.seal("provider tokens", kept, until), until);
    } catch (error) {
      log.warning("provider_tokens_not_kept", { grant: grantId, error });
    }
  }

  /** What the provider gave is in the store before anybody is answered. */
  async function fetchAndKeep(grantId: string, carried: Credential, { previous = [], call }: FetchAndKeep) {
    const credential = await fetchNext(carried, call);
    const kept: Kept = {
      credential,
      restUntil: call.now + restSeconds,
      previous: [...previous, hashOf(carried.value)].slice(-maxPrevious),
    };
    await write(grantId, kept, call.now);
    return credential;
  }

  function remember(grantId: string, refused: string, value: string): string {
    const before = replaced.get(grantId)?.refused ?? [];
    replaced.delete(grantId);
    replaced.set(grantId, { refused: [...before.filter((one) => one !== value), refused].slice(-maxPrevious), value });
    for (const oldest of replaced.keys()) {
      if (replaced.size <= maxReplaced) break;
      replaced.delete(oldest);
    }
    return value;
  }

  async function renewUnderLease(grantId: string, carried: Credential, call: RefreshCall): Promise<Credential> {
    const kept = await read(grantId);
    if (kept === undefined || generationOf(kept.credential) <= generationOf(carried)) {
      return fetchAndKeep(grantId, carried, { previous: kept?.previous, call });
    }
    // Fetched before, and the client does not have it yet: an answer that was lost with its process, or `replace`.
    const { expiresAt = Infinity } = kept.credential;
    if (expiresAt > call.now + marginSeconds) return kept.credential;
    return fetchAndKeep(grantId, kept.credential, { previous: kept.previous, call });
  }

  async function replaceUnderLease(grantId: string, refused: string, call: RefreshCall): Promise<string | undefined> {
    const kept = await read(grantId);
    if (kept === undefined) return undefined;
    if (kept.previous.includes(hashOf(refused))) return remember(grantId, refused, kept.credential.value);
    // Not ours to judge: newer than what the store was told. Refreshing with an older token would look like theft.
    if (kept.credential.value !== refused || kept.credential.refreshToken === undefined) return undefined;
    if (kept.restUntil > call.now) return undefined;
    const next = await fetchAndKeep(grantId, kept.credential, { previous: kept.previous, call });
    return remember(grantId, refused, next.value);
  }

  return {
    async keep(grantId, credential, now) {
      await write(grantId, { credential, restUntil: now, previous: [] }, now);
    },

    async renew(grantId, carried, call) {
      if (!store.durable) return await renewForgetful(grantId, carried, call);
      try {
        return await leases.hold(keyOf(grantId), () => renewUnderLease(grantId, carried, call));
      } catch (error) {
        if (error instanceof LeaseTakenError) {
          throw new OAuthError("temporarily_unavailable", "a refresh is still under way; ask again", {
            cause: error,
            retryAfterSeconds: 2,
          });
        }
        // Thrown before the provider was asked: what the client carries is all there is to go by.
        if (error instanceof StoreUnavailableError) return await renewForgetful(grantId, carried, call);
        throw error;
      }
    },

    current(grantId, carried) {
      const found = replaced.get(grantId);
      return found !== undefined && carried !== undefined && found.refused.includes(carried) ? found.value : undefined;
    },

    async replace(grantId, refused, call) {
      if (!store.durable) return undefined;
      try {
        return await leases.hold(keyOf(grantId), () => replaceUnderLease(grantId, refused, call));
      } catch (error) {
        log.warning("credential_not_replaced", { grant: grantId, error });
        return undefined;
      }
    },

    async forget(grantId, carried) {
      replaced.delete(grantId);
      try {
        const kept = await read(grantId);
        await store.delete(keyOf(grantId));
        return newestOf(carried, kept?.credential);
      } catch (error) {
        log.warning("provider_tokens_not_forgotten", { grant: grantId, error });
        return carried;
      }
    },
  };
}

async function fetchNext(carried: Credential, { now, refresh }: RefreshCall): Promise<Credential> {
  const { refreshToken } = carried;
  if (refreshToken === undefined) throw new TypeError("only a credential with a refresh token can be refreshed");
  return { ...await refresh({ ...carried, refreshToken }, now), generation: generationOf(carried) + 1 };
}

function newestOf(one: Credential | undefined, other: Credential | undefined): Credential | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return generationOf(one) > generationOf(other) ? one : other;
}

function generationOf({ generation = 0 }: Credential): number {
  return generation;
}

function keyOf(grantId: string): string {
  return `provider:${grantId}`;
}

function hashOf(value: string): string {
  return createHash("sha256").update(value).digest("base64url").slice(0, 22);
}

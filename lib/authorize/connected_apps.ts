// Which grants somebody gave: a sealed list in the store, one for each account at a sign-in provider, and for grants that no
// provider vouches for one for each browser. It names grants and clients and holds no credential.
import { createHash } from "node:crypto";
import type { Config } from "../config/config.ts";
import type { Account } from "../oauth/grant.ts";
import { findLastUse, findTokensGiven } from "../store/last_use.ts";
import { createLeases } from "../store/lease.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { grantLifetimeSeconds, revokedUntil } from "../tokens/grant_lifetime.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface ConnectedApp {
  grantId: string;
  clientId: string;
  /** The resource's canonical URI. */
  resource: string;
  /** Seconds since the epoch. */
  grantedAt: number;
}

/** Names a list in the store. */
export type AppList = `apps:${string}` | `account-apps:${string}`;

export interface ConnectedAppsTools {
  config: Pick<Config, "tokens">;
  sealer: Sealer;
  store: Store;
  revocations: Revocations;
  now: () => number;
  log: Log;
}

/** A browser's cookie lives for half of that; an account's list is kept on with each grant. */
const lifetimeSeconds = 365 * 86_400;
/** Client ids of registered clients are long; so many fit into an entry of the store. */
const maxApps = 40;
const maxBytes = 48 * 1024;

/** What was given in a browser. @param binding from `recogniseBrowser` */
export function browserList(binding: string): AppList {
  return `apps:${binding}`;
}

/**
 * What an account gave. The key is a hash, so that it names nobody; where a provider's table is pointed to another place, the
 * accounts there are others.
 */
export function accountList({ providers }: Pick<Config, "providers">, { provider, subject }: Account): AppList {
  const { kind, issuer, tenant, apiUrl } = providers.get(provider)!;
  const text = JSON.stringify([provider, kind, issuer, tenant, apiUrl, subject]);
  return `account-apps:${createHash("sha256").update(text).digest("base64url")}`;
}

/** Adds a grant. Never throws: a login is not lost because a list could not be written. */
export async function rememberApp(tools: ConnectedAppsTools, list: AppList, app: ConnectedApp): Promise<void> {
  try {
    await change(tools, list, async (apps) => [...apps.length < maxApps ? apps : await living(tools, apps), app]);
  } catch (error) {
    tools.log.warning("connected_app_not_remembered", { grant: app.grantId, error });
  }
}

/** @throws StoreUnavailableError */
export async function forgetApp(tools: ConnectedAppsTools, list: AppList, grantId: string): Promise<void> {
  await change(tools, list, (apps) => Promise.resolve(apps.filter((app) => app.grantId !== grantId)));
}

/** The oldest first. @throws StoreUnavailableError */
export async function findApps(
  { sealer, store }: Pick<ConnectedAppsTools, "sealer" | "store">,
  list: AppList,
): Promise<ConnectedApp[]> {
  const sealed = await store.get(list);
  const opened = sealed === undefined ? undefined : sealer.open("connected apps", sealed);
  return opened === undefined || opened === "expired" ? [] : opened.value as ConnectedApp[];
}

/** True when the grant was ended, or its last refresh token has expired. @throws StoreUnavailableError */
export async function isOver(
  { config, store, revocations, now }: ConnectedAppsTools,
  { grantId, grantedAt }: ConnectedApp,
): Promise<boolean> {
  const [given = grantedAt, used = grantedAt] = await Promise.all([
    findTokensGiven(store, grantId),
    findLastUse(store, grantId),
  ]);
  const over = Math.max(given, used) + grantLifetimeSeconds(config.tokens) <= now();
  return over || await revocations.isRevoked(grantId, { askNow: true });
}

async function living(tools: ConnectedAppsTools, apps: ConnectedApp[]): Promise<ConnectedApp[]> {
  const over = await Promise.all(apps.map((app) => isOver(tools, app)));
  return apps.filter((_, index) => !over[index]);
}

/**
 * What fits. Of a client that has several grants for one resource the oldest is ended: it could hide one behind many others, which
 * nobody could end any more. Where all are different, the oldest gives way and lives on.
 */
async function fitting(tools: ConnectedAppsTools, apps: readonly ConnectedApp[]): Promise<ConnectedApp[]> {
  const kept = [...apps];
  while (kept.length > maxApps || JSON.stringify(kept).length > maxBytes) {
    const alike = Map.groupBy(kept, ({ clientId, resource }) => `${clientId} ${resource}`);
    const most = Math.max(...[...alike.values()].map(({ length }) => length));
    const [oldest] = [...alike.values()].find(({ length }) => length === most)!;
    kept.splice(kept.indexOf(oldest!), 1);
    if (most === 1) continue;
    const { grantId, clientId } = oldest!;
    await tools.revocations.revoke(grantId, revokedUntil(tools.config.tokens, tools.now()));
    tools.log.info("grant_revoked", { client_id: clientId, grant: grantId, by: "newer grants" });
  }
  return kept;
}

/** One at a time, so that two tabs that finish together are both in the list. */
async function change(
  tools: ConnectedAppsTools,
  list: AppList,
  edit: (apps: ConnectedApp[]) => Promise<ConnectedApp[]>,
): Promise<void> {
  const { store, sealer, now } = tools;
  await createLeases({ store, now }).hold(list, async () => {
    const apps = await fitting(tools, await edit(await findApps(tools, list)));
    const until = now() + lifetimeSeconds;
    await store.put(list, sealer.seal("connected apps", apps, until), until);
  });
}

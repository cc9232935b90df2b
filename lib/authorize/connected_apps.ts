// Which grants were given in a browser: a sealed list in the store, under the hash of the browser's cookie. It names grants and
// clients and holds no credential.
import { createLeases } from "../store/lease.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";

export interface ConnectedApp {
  grantId: string;
  clientId: string;
  /** The resource's canonical URI. */
  resource: string;
  /** Seconds since the epoch. */
  grantedAt: number;
}

export interface ConnectedAppsTools {
  sealer: Sealer;
  store: Store;
  now: () => number;
  log: Log;
}

/** As long as the browser's cookie lives. */
const lifetimeSeconds = 180 * 86_400;
/** Client ids of registered clients are long; so many fit into an entry of the store, and the oldest give way. */
const maxApps = 40;
const maxBytes = 48 * 1024;

/** Adds a grant. Never throws: a login is not lost because a list could not be written. */
export async function rememberApp(tools: ConnectedAppsTools, binding: string, app: ConnectedApp): Promise<void> {
  try {
    await change(tools, binding, (apps) => [...apps, app]);
  } catch (error) {
    tools.log.warning("connected_app_not_remembered", { grant: app.grantId, error });
  }
}

/** @throws StoreUnavailableError */
export async function forgetApp(tools: ConnectedAppsTools, binding: string, grantId: string): Promise<void> {
  await change(tools, binding, (apps) => apps.filter((app) => app.grantId !== grantId));
}

/** The oldest first. @throws StoreUnavailableError */
export async function findApps({ sealer, store }: ConnectedAppsTools, binding: string): Promise<ConnectedApp[]> {
  const sealed = await store.get(keyOf(binding));
  const opened = sealed === undefined ? undefined : sealer.open("connected apps", sealed);
  return opened === undefined || opened === "expired" ? [] : opened.value as ConnectedApp[];
}

/** One at a time, so that two tabs that finish together are both in the list. */
async function change(
  tools: ConnectedAppsTools,
  binding: string,
  edit: (apps: ConnectedApp[]) => ConnectedApp[],
): Promise<void> {
  const { store, sealer, now } = tools;
  await createLeases({ store, now }).hold(keyOf(binding), async () => {
    const apps = edit(await findApps(tools, binding)).slice(-maxApps);
    while (JSON.stringify(apps).length > maxBytes) apps.shift();
    const until = now() + lifetimeSeconds;
    await store.put(keyOf(binding), sealer.seal("connected apps", apps, until), until);
  });
}

function keyOf(binding: string): string {
  return `apps:${binding}`;
}

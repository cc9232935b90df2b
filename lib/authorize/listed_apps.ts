// Grants as /apps shows them.
import type { Clients } from "../clients/client.ts";
import type { Config, Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ListedApp } from "../pages/apps.ts";
import { findLastUse } from "../store/last_use.ts";
import { type AppList, type ConnectedApp, type ConnectedAppsTools, findApps, isOver } from "./connected_apps.ts";

export interface ListingTools extends ConnectedAppsTools {
  config: Config;
  clients: Clients;
}

/**
 * What of a list is still alive, the newest first.
 *
 * @param handleOf what the button of an entry sends
 * @throws StoreUnavailableError
 */
export async function listApps(
  tools: ListingTools,
  list: AppList,
  handleOf: (app: ConnectedApp) => string,
): Promise<ListedApp[]> {
  async function describe(app: ConnectedApp): Promise<ListedApp | undefined> {
    const resource = findAppResource(tools.config, app);
    if (resource === undefined || await isOver(tools, app)) return undefined;
    const lastUsedAt = await findLastUse(tools.store, app.grantId);
    const clientName = await nameOf(tools.clients, app.clientId);
    return {
      ...(clientName === undefined ? {} : { clientName }),
      resourceName: resource.displayName,
      resourceUrl: app.resource,
      grantedAt: app.grantedAt,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      leftBehind: leftBehind(resource),
      handle: handleOf(app),
    };
  }

  const described = await Promise.all((await findApps(tools, list)).reverse().map(describe));
  return described.filter((app) => app !== undefined);
}

/** Undefined when it is published no longer. */
export function findAppResource({ resources }: Pick<Config, "resources">, app: ConnectedApp): Resource | undefined {
  return resources.find(({ urls }) => urls.resource === app.resource);
}

/** What ending the access here does not end. */
function leftBehind({ strategy }: Resource): ListedApp["leftBehind"] {
  if (strategy.kind === "passthrough") return "the key";
  const untold = strategy.kind === "chained_oauth" && strategy.provider !== undefined &&
    strategy.provider.revocationUrl === undefined;
  return untold ? "the provider's access" : "nothing";
}

async function nameOf(clients: Clients, clientId: string): Promise<string | undefined> {
  try {
    return (await clients.find(clientId)).name;
  } catch (error) {
    if (error instanceof OAuthError) return undefined;
    throw error;
  }
}

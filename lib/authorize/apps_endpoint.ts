// /apps: the grants that were given in this browser, each with a button that ends it.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { pageHeaders } from "../http/response_headers.ts";
import { OAuthError } from "../oauth/errors.ts";
import { appsPage, type ListedApp } from "../pages/apps.ts";
import { contentSecurityPolicy } from "../pages/layout.ts";
import { findLastUse } from "../store/last_use.ts";
import { checkSameSite, findBinding } from "./browser_binding.ts";
import { type ConnectedApp, findApps, forgetApp } from "./connected_apps.ts";
import { redirectWith } from "./redirect.ts";

type AppsDeps = Pick<
  Deps,
  "config" | "clients" | "strategies" | "sealer" | "store" | "revocations" | "now" | "log"
>;
/** What the button of one entry sends, sealed. */
interface Handle {
  binding: string;
  app: ConnectedApp;
}

const formSeconds = 3600;

export function appsEndpoint(deps: AppsDeps): Record<"GET" | "POST", (request: Request) => Promise<Response>> {
  const { config, store, sealer, now, log } = deps;
  const scope = { secure: config.server.publicUrl.startsWith("https:") };
  const lifetimeSeconds = config.tokens.refreshTokenTtlSeconds;
  const resourceOf = (app: ConnectedApp) => config.resources.find(({ urls }) => urls.resource === app.resource);

  /** Undefined when the grant has ended, or its resource is published no longer. */
  async function describe(binding: string, app: ConnectedApp): Promise<ListedApp | undefined> {
    const resource = resourceOf(app);
    const lastUsedAt = await findLastUse(store, app.grantId);
    const over = (lastUsedAt ?? app.grantedAt) + lifetimeSeconds <= now();
    if (resource === undefined || over || await deps.revocations.isRevoked(app.grantId)) return undefined;
    const clientName = await nameOf(app.clientId);
    const handle: Handle = { binding, app };
    return {
      ...(clientName === undefined ? {} : { clientName }),
      resourceName: resource.displayName,
      resourceUrl: app.resource,
      grantedAt: app.grantedAt,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      handle: sealer.seal("connected app", handle, now() + formSeconds),
    };
  }

  async function nameOf(clientId: string): Promise<string | undefined> {
    try {
      return (await deps.clients.find(clientId)).name;
    } catch (error) {
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
  }

  async function end(app: ConnectedApp, resource: Resource | undefined): Promise<void> {
    await deps.revocations.revoke(app.grantId, now() + lifetimeSeconds);
    log.info("grant_revoked", { resource: resource?.name, client_id: app.clientId, grant: app.grantId, by: "user" });
    // The provider's tokens are in the store where it is durable; else mostly the client alone has them, and nobody can be told.
    if (resource === undefined) return;
    const { grantId: id, grantedAt } = app;
    try {
      await deps.strategies.of(resource).revoke?.({ id, grantedAt });
    } catch (error) {
      log.warning("provider_revocation_failed", { resource: resource.name, grant: id, error });
    }
  }

  return {
    async GET(browser) {
      const binding = findBinding(browser, scope);
      const found = binding === undefined ? [] : await findApps(deps, binding);
      const listed = await Promise.all(found.reverse().map((app) => describe(binding!, app)));
      const apps = listed.filter((app) => app !== undefined);
      const page = await appsPage({ apps, forgetful: store.status().kind === "memory" });
      return new Response(page, { headers: pageHeaders(contentSecurityPolicy) });
    },
    async POST(browser) {
      const form = await readForm(browser);
      const opened = form.app === undefined ? undefined : sealer.open("connected app", form.app);
      if (opened === undefined || opened === "expired") {
        throw new OAuthError("invalid_request", "this page was open for too long; load it again");
      }
      const { binding, app } = opened.value as Handle;
      checkSameSite(browser, binding, scope);
      await end(app, resourceOf(app));
      await forgetApp(deps, binding, app.grantId);
      return redirectWith("/apps", []);
    },
  };
}

// /apps: which clients somebody let in, each with a button that ends it. What an account let in is shown to whoever signs in with
// it; what no provider vouches for is shown in the browser that it was given in.
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { pageHeaders } from "../http/response_headers.ts";
import type { PageHandler } from "../http/router.ts";
import { OAuthError } from "../oauth/errors.ts";
import { type AppsPage, appsPage } from "../pages/apps.ts";
import { contentSecurityPolicy } from "../pages/layout.ts";
import { revokedUntil } from "../tokens/grant_lifetime.ts";
import { randomId } from "../tokens/random_id.ts";
import { appsCallbackPath, appsPath, callbackOf } from "../urls.ts";
import { type AppsSession, endSession, findSession } from "./apps_session.ts";
import { type AppsFlow, appsFlow } from "./apps_sign_in.ts";
import { isSameSite, recogniseBrowser } from "./browser_binding.ts";
import { accountList, type AppList, browserList, type ConnectedApp, forgetApp } from "./connected_apps.ts";
import { beginFlow } from "./flow.ts";
import { findAppResource, listApps } from "./listed_apps.ts";
import { redirectWith } from "./redirect.ts";

type AppsDeps = Pick<
  Deps,
  "config" | "clients" | "strategies" | "accounts" | "sealer" | "store" | "revocations" | "now" | "log"
>;

/** What a button sends, sealed for one browser. */
type Action = { end: ConnectedApp; list: AppList } | { signIn: string } | "sign out";

const formSeconds = 3600;

export function appsEndpoint(deps: AppsDeps): Record<"GET" | "POST", PageHandler> {
  const { config, accounts, store, sealer, now, log } = deps;
  const { publicUrl } = config.server;
  const scope = { secure: publicUrl.startsWith("https:") };

  /** Undefined too where the provider is offered no longer. */
  async function findCurrentSession(browser: Request): Promise<AppsSession | undefined> {
    const session = await findSession(deps, browser, scope);
    return accounts.choices.some(({ provider }) => provider === session?.account.provider) ? session : undefined;
  }

  async function show(browser: Request, host: string, problem?: string): Promise<Response> {
    const { binding, setCookie } = recogniseBrowser(browser, scope);
    const session = await findCurrentSession(browser);
    const seal = (action: Action) => sealer.seal("connected app", { binding, action }, now() + formSeconds);
    const listed = (list: AppList) => listApps(deps, list, (app) => seal({ end: app, list }));
    const signedIn = session === undefined ? undefined : {
      name: session.shownAs,
      provider: labelOf(session),
      apps: await listed(accountList(config, session.account)),
      signOut: seal("sign out"),
    };
    const page = await appsPage({
      ...(signedIn === undefined ? {} : { signedIn }),
      signIn: signInChoices(host, seal),
      here: await listed(browserList(binding)),
      forgetful: store.status().kind === "memory",
      ...(problem === undefined ? {} : { problem }),
    });
    const headers = new Headers(pageHeaders(contentSecurityPolicy));
    // To a form of another site browsers add no cookies: another one now would take the place of the one that has the list.
    if (setCookie !== undefined && browser.method !== "POST") headers.append("set-cookie", setCookie);
    return new Response(page, { status: problem === undefined ? 200 : 400, headers });
  }

  /** The provider sends people back to the public URL, where another host's cookies are not known. */
  function signInChoices(host: string, seal: (action: Action) => string): AppsPage["signIn"] {
    if (accounts.choices.length === 0) return undefined;
    if (config.resources.some(({ ownHost }) => ownHost?.host === host) && host !== new URL(publicUrl).host) {
      return { elsewhere: publicUrl + appsPath };
    }
    return { choices: accounts.choices.map(({ provider, label }) => ({ label, handle: seal({ signIn: provider }) })) };
  }

  function labelOf({ account }: AppsSession): string {
    return accounts.choices.find(({ provider }) => provider === account.provider)!.label;
  }

  async function signIn(browser: Request, binding: string, provider: string): Promise<Response> {
    const state = randomId();
    const { url, memo } = await accounts.begin(provider, {
      redirectUri: callbackOf(publicUrl + appsCallbackPath, provider),
      state,
      now: now(),
    });
    const flow: AppsFlow = { provider, memo, binding };
    const tools = { ...deps, kind: appsFlow, lifetimeSeconds: config.server.loginTtlSeconds };
    return redirectWith(url, await beginFlow(tools, { id: state, flow, browser, scope }));
  }

  async function end(app: ConnectedApp): Promise<void> {
    const { grantId: id, clientId, grantedAt } = app;
    await deps.revocations.revoke(id, revokedUntil(config.tokens, now()));
    const resource = findAppResource(config, app);
    log.info("grant_revoked", { resource: resource?.name, client_id: clientId, grant: id, by: "user" });
    if (resource === undefined) return;
    try {
      await deps.strategies.of(resource).revoke?.({ id, grantedAt });
    } catch (error) {
      log.warning("provider_revocation_failed", { resource: resource.name, grant: id, error });
    }
  }

  /** @throws OAuthError `invalid_request` for the page */
  async function act(browser: Request, { binding, action }: { binding: string; action: Action }): Promise<Response> {
    const session = await findCurrentSession(browser);
    if (action === "sign out") return redirectWith(here, [await endSession(deps, session, scope)]);
    if ("signIn" in action) return await signIn(browser, binding, action.signIn);
    const { end: app, list } = action;
    if (list !== browserList(binding) && (session === undefined || list !== accountList(config, session.account))) {
      throw new OAuthError("invalid_request", "you are not signed in any more, so nothing was ended; sign in again");
    }
    await end(app);
    await forgetApp(deps, list, app.grantId);
    return redirectWith(here);
  }

  return {
    GET: (browser, { host }) => show(browser, host),
    async POST(browser, { host }) {
      const form = await readForm(browser);
      const opened = form.action === undefined ? undefined : sealer.open("connected app", form.action);
      if (opened === undefined || opened === "expired") {
        return await show(browser, host, "This page was open for too long. Nothing was changed; try again.");
      }
      const sent = opened.value as { binding: string; action: Action };
      if (!isSameSite(browser, sent.binding, scope)) {
        return await show(
          browser,
          host,
          "This form came from another site or another browser, or cookies are blocked here. Nothing was changed; open this page anew.",
        );
      }
      try {
        return await act(browser, sent);
      } catch (error) {
        if (error instanceof OAuthError && error.status < 500) return await show(browser, host, error.message);
        throw error;
      }
    },
  };
}

/** The page itself, relative: it may be published below a path. */
const here = "apps";

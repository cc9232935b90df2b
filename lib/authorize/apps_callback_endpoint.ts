// GET /callback/apps/PROVIDER: the provider sends somebody back who signed in at /apps. No client hears of it, and no grant comes of it.
import type { Deps } from "../deps.ts";
import type { PageHandler } from "../http/router.ts";
import { parseParameters, requireParameter } from "../oauth/parameters.ts";
import { appsCallbackPath, appsPath, callbackOf } from "../urls.ts";
import { openSession } from "./apps_session.ts";
import { type AppsFlow, appsFlow } from "./apps_sign_in.ts";
import { findBinding } from "./browser_binding.ts";
import { resumeFlow } from "./flow.ts";
import { redirectWith } from "./redirect.ts";

export function appsCallbackEndpoint(
  deps: Pick<Deps, "config" | "accounts" | "sealer" | "store" | "revocations" | "now" | "log">,
): PageHandler {
  const { publicUrl, loginTtlSeconds } = deps.config.server;
  const scope = { secure: publicUrl.startsWith("https:") };
  const tools = { ...deps, kind: appsFlow, lifetimeSeconds: loginTtlSeconds };

  return async (browser, context) => {
    const parameters = parseParameters(new URL(browser.url).searchParams);
    const state = requireParameter(parameters, "state");
    if (parameters.error === undefined) requireParameter(parameters, "code");
    const isOurs = ({ binding, provider }: AppsFlow) =>
      binding === findBinding(browser, scope) && provider === context.provider;
    const { flow, clearCookie } = await resumeFlow<AppsFlow>(tools, { state, browser, scope, isOurs });
    const { provider, memo, binding } = flow;
    const { account, shownAs } = await deps.accounts.finish(provider, memo, {
      parameters,
      redirectUri: callbackOf(publicUrl + appsCallbackPath, provider),
      now: deps.now(),
    });
    deps.log.info("apps_signed_in", { provider, subject: account.subject });
    return redirectWith(publicUrl + appsPath, [clearCookie, openSession(deps, { account, shownAs, binding }, scope)]);
  };
}

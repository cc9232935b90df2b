// GET /callback: the provider sends the browser back; its answer becomes the client's code, or the client's error.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { OAuthError } from "../oauth/errors.ts";
import { parseParameters, requireParameter } from "../oauth/parameters.ts";
import { grantCode } from "./approve.ts";
import { type AuthorizationFlow, authorizationFlow } from "./authorization_flow.ts";
import { cookieScopeOf, findBinding } from "./browser_binding.ts";
import { resumeFlow } from "./flow.ts";
import { refuse } from "./refuse.ts";
import { findRedirectableClient } from "./trusted_request.ts";

export function callbackEndpoint(
  deps: Pick<Deps, "clients" | "strategies" | "sealer" | "store" | "revocations" | "config" | "now" | "log">,
): (request: Request, resource: Resource, context: { provider?: string }) => Promise<Response> {
  const tools = { ...deps, kind: authorizationFlow, lifetimeSeconds: deps.config.server.loginTtlSeconds };

  return async (browser, resource, { provider }) => {
    if (resource.strategy.kind === "passthrough") {
      throw new OAuthError("invalid_request", "this server takes an API key; nobody sends the browser back here");
    }
    const answer = parseParameters(new URL(browser.url).searchParams);
    const state = requireParameter(answer, "state");
    if (answer.error === undefined) requireParameter(answer, "code");
    const { flow, clearCookie } = await resumeFlow<AuthorizationFlow>(tools, {
      state,
      browser,
      scope: cookieScopeOf(resource),
      // An answer at another provider's redirect URI is that one's, and the chosen one must not see its code (RFC 9700 §4.4.2.2).
      isOurs: (flow) => flow.resource === resource.name && flow.provider === provider,
    });
    const { request, memo } = flow;
    const { clientId, redirectUri } = request;
    // Asked again, because the client or the operator's policy may have changed while the user was away. A refusal is for the
    // error page, and the provider's code is left to expire.
    await findRedirectableClient(deps.clients, { client_id: clientId, redirect_uri: redirectUri });
    const setCookies = [clearCookie];
    try {
      const approval = await deps.strategies.of(resource).finish(request, memo, answer, deps.now());
      const binding = findBinding(browser, cookieScopeOf(resource));
      return await grantCode(deps, resource, { request, approval, binding, setCookies });
    } catch (thrown) {
      return refuse(deps.log, resource, { thrown, redirectUri, state: request.state, setCookies });
    }
  };
}

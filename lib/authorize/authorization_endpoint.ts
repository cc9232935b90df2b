// GET /authorize: a client sends the user here. A page asks them; nothing is granted without a yes (RFC 6749 §4.1.1).
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { parseAuthorizationRequest } from "../oauth/authorization_request.ts";
import { type Parameters, parseParameters, pickParameters } from "../oauth/parameters.ts";
import { approve } from "./approve.ts";
import { cookieScopeOf, recogniseBrowser } from "./browser_binding.ts";
import { consentAnswer } from "./consent_answer.ts";
import { sealPending } from "./pending_authorization.ts";
import { refuse } from "./refuse.ts";
import { isConsentRemembered } from "./remembered_consent.ts";
import { findRedirectableClient } from "./trusted_request.ts";

export function authorizationEndpoint(
  deps: Pick<
    Deps,
    "clients" | "strategies" | "sealer" | "store" | "revocations" | "config" | "scopes" | "rateLimits" | "now" | "log"
  >,
): (request: Request, resource: Resource, context: { address: string }) => Promise<Response> {
  async function ask(browser: Request, resource: Resource, client: Client, parameters: Parameters): Promise<Response> {
    const strategy = deps.strategies.of(resource);
    const request = parseAuthorizationRequest(parameters, {
      resource: resource.urls.resource,
      supportedScopes: await deps.scopes.supported(resource),
      openScopes: strategy.openScopes ?? false,
    });
    deps.log.info("authorization_requested", { resource: resource.name, client_id: client.clientId });
    const scope = cookieScopeOf(resource);
    const { binding, setCookie } = recogniseBrowser(browser, scope);
    const setCookies = setCookie === undefined ? [] : [setCookie];
    const toolScopes = await deps.scopes.knownToolScopes(resource);
    // Where there are scopes to choose, what was chosen last time is not what is asked now.
    const maySkip = client.trusted ||
      (toolScopes.length === 0 && isConsentRemembered(deps, { browser, binding, request, scope }));
    if (strategy.keyField === undefined && maySkip) {
      const answer = await approve(deps, resource, { browser, binding, client, request, form: {}, setCookies });
      if (answer instanceof Response) return answer;
    }
    const sealed = sealPending(deps.sealer, { request, binding }, deps.now() + deps.config.server.loginTtlSeconds);
    const scopeChoices = toolScopes.length === 0 ? {} : { scopeChoices: { toolScopes, checked: request.scope } };
    return consentAnswer(resource, { client, request, strategy, sealed, setCookies, ...scopeChoices });
  }

  return async (browser, resource, context) => {
    const { searchParams } = new URL(browser.url);
    // What an answer to the client needs comes first: then a repetition of anything else is told to the client as well.
    const address = parseParameters(pickParameters(searchParams, ["client_id", "redirect_uri", "state"]));
    const client = await findRedirectableClient(deps.clients, address);
    await deps.rateLimits.checkClient(client.clientId, context.address);
    try {
      return await ask(browser, resource, client, parseParameters(searchParams));
    } catch (thrown) {
      return refuse(deps.log, resource, { thrown, redirectUri: address.redirect_uri!, state: address.state });
    }
  };
}

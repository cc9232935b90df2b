// POST /authorize: the user's yes or no. The request itself comes sealed in the form; nothing else in the form is believed.
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Parameters } from "../oauth/parameters.ts";
import { scopesCoveredBy, type ToolScope } from "../oauth/tool_scope.ts";
import { scopeField } from "../pages/scope_choices.ts";
import { approve } from "./approve.ts";
import { checkSameSite, cookieScopeOf } from "./browser_binding.ts";
import { consentAnswer } from "./consent_answer.ts";
import { openPending, type PendingAuthorization } from "./pending_authorization.ts";
import { refuse } from "./refuse.ts";
import { rememberConsent } from "./remembered_consent.ts";
import { findRedirectableClient } from "./trusted_request.ts";

export function consentEndpoint(
  deps: Pick<
    Deps,
    "clients" | "strategies" | "sealer" | "store" | "revocations" | "config" | "scopes" | "now" | "log"
  >,
): (request: Request, resource: Resource) => Promise<Response> {
  async function answer(
    browser: Request,
    resource: Resource,
    { client, pending, form }: { client: Client; pending: PendingAuthorization; form: Parameters },
  ): Promise<Response> {
    const { binding } = pending;
    const toolScopes = await deps.scopes.knownToolScopes(resource);
    const strategy = deps.strategies.of(resource);
    const { scope } = pending.request;
    const chosen = toolScopes.length === 0 ? scope : chosenScopes(toolScopes, form, scope);
    const request = { ...pending.request, scope: chosen };
    const again = (problem?: string) =>
      consentAnswer(resource, {
        client,
        request,
        strategy,
        sealed: form.request!,
        setCookies: [],
        ...(toolScopes.length === 0 ? {} : { scopeChoices: { toolScopes, checked: chosen } }),
        ...(problem === undefined ? {} : { problem }),
      });
    if (form.decision === "clear") return await again();
    if (form.decision !== "allow") throw new OAuthError("access_denied", "the user refused");
    if (toolScopes.length > 0 && chosen.length === 0) {
      throw new OAuthError("access_denied", "the user granted none of the scopes");
    }
    // A key has to be pasted each time, and scopes chosen each time; so there the page is shown each time.
    const remember = strategy.keyField === undefined && toolScopes.length === 0
      ? rememberConsent(deps, { browser, binding, request, client, scope: cookieScopeOf(resource) })
      : undefined;
    const setCookies = remember === undefined ? [] : [remember];
    const approved = await approve(deps, resource, { browser, binding, client, request, form, setCookies });
    return approved instanceof Response ? approved : await again(approved.again);
  }

  return async (browser, resource) => {
    const form = await readForm(browser);
    const pending = openPending(deps.sealer, form.request, resource.urls.resource);
    checkSameSite(browser, pending.binding, cookieScopeOf(resource));
    const { clientId, redirectUri, state } = pending.request;
    // Asked again, because the client or the operator's policy may have changed while the page was open. A refusal is for the
    // error page: the redirect URI is not to be trusted any more.
    const client = await findRedirectableClient(deps.clients, { client_id: clientId, redirect_uri: redirectUri });
    try {
      return await answer(browser, resource, { client, pending, form });
    } catch (thrown) {
      return refuse(deps.log, resource, { thrown, redirectUri, state });
    }
  };
}

/**
 * What the user checked, and what that covers: as the client asked for it, then the rest in the resource's order. "Unselect all"
 * is nothing.
 */
function chosenScopes(toolScopes: readonly ToolScope[], form: Parameters, requested: readonly string[]): string[] {
  if (form.decision === "clear") return [];
  const checked = toolScopes.filter(({ name }) => form[scopeField(name)] !== undefined);
  const covered = checked.flatMap((scope) => scopesCoveredBy(toolScopes, scope));
  const chosen = new Set([...checked.map(({ name }) => name), ...covered]);
  const others = toolScopes.map(({ name }) => name).filter((name) => !requested.includes(name));
  return [...requested, ...others].filter((name) => chosen.has(name));
}

// POST /authorize: the user's yes or no. The request itself comes sealed in the form; nothing else in the form is believed.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Parameters } from "../oauth/parameters.ts";
import { approve } from "./approve.ts";
import { isSameBrowser } from "./browser_binding.ts";
import { consentAnswer } from "./consent_answer.ts";
import { openPending, type PendingAuthorization } from "./pending_authorization.ts";
import { refuse } from "./refuse.ts";
import { rememberConsent } from "./remembered_consent.ts";
import { findRedirectableClient } from "./trusted_request.ts";

export function consentEndpoint(
  deps: Pick<Deps, "clients" | "strategies" | "sealer" | "store" | "config" | "now" | "log">,
): (request: Request, resource: Resource) => Promise<Response> {
  async function answer(
    browser: Request,
    resource: Resource,
    { pending, form }: { pending: PendingAuthorization; form: Parameters },
  ): Promise<Response> {
    const { request, binding } = pending;
    // Asked again, because the client or the operator's policy may have changed while the page was open.
    const client = await findRedirectableClient(deps.clients, {
      client_id: request.clientId,
      redirect_uri: request.redirectUri,
    });
    if (form.decision !== "allow") throw new OAuthError("access_denied", "the user refused");
    const scope = { secure: resource.urls.issuer.startsWith("https:") };
    const strategy = deps.strategies.of(resource);
    // A key has to be pasted each time, so there the page is shown each time.
    const remember = strategy.keyField === undefined
      ? rememberConsent(deps, { browser, binding, request, client, scope })
      : undefined;
    const setCookies = remember === undefined ? [] : [remember];
    const approved = await approve(deps, resource, { browser, client, request, form, setCookies });
    if (approved instanceof Response) return approved;
    return consentAnswer(resource, {
      client,
      request,
      strategy,
      sealed: form.request!,
      problem: approved.again,
      setCookies: [],
    });
  }

  return async (browser, resource) => {
    const form = await readForm(browser);
    const pending = openPending(deps.sealer, form.request, resource.urls.resource);
    checkBrowser(browser, resource, pending);
    try {
      return await answer(browser, resource, { pending, form });
    } catch (thrown) {
      const { redirectUri, state } = pending.request;
      return refuse(deps.log, resource, { thrown, redirectUri, state });
    }
  };
}

/** @throws OAuthError `invalid_request` when the form comes from another site or another browser (CSRF) */
function checkBrowser(request: Request, resource: Resource, pending: PendingAuthorization): void {
  const site = request.headers.get("sec-fetch-site");
  const secure = resource.urls.issuer.startsWith("https:");
  const foreign = site !== null && site !== "same-origin" && site !== "none";
  if (foreign || !isSameBrowser(request, pending.binding, { secure })) {
    throw new OAuthError(
      "invalid_request",
      "this form was opened in another browser, or cookies are blocked here; start again from your MCP client and allow cookies",
    );
  }
}

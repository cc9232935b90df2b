// After the yes: the strategy's turn, and what the browser gets for it.
import type { Client } from "../clients/client.ts";
import type { Config, Resource } from "../config/config.ts";
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import type { Parameters } from "../oauth/parameters.ts";
import type { Revocations } from "../store/revocations.ts";
import type { Store } from "../store/store.ts";
import type { Strategies } from "../strategies/create_strategy.ts";
import type { Approval } from "../strategies/strategy.ts";
import type { Log } from "../telemetry/log.ts";
import { randomId } from "../tokens/random_id.ts";
import type { Sealer } from "../tokens/seal.ts";
import { type AuthorizationFlow, authorizationFlow } from "./authorization_flow.ts";
import { cookieScopeOf } from "./browser_binding.ts";
import { completeAuthorization } from "./complete_authorization.ts";
import { accountList, browserList, rememberApp } from "./connected_apps.ts";
import { beginFlow } from "./flow.ts";
import { redirectWith } from "./redirect.ts";

export interface ApproveTools {
  config: Config;
  strategies: Strategies;
  sealer: Sealer;
  store: Store;
  revocations: Revocations;
  now: () => number;
  log: Log;
}

export interface Approved {
  browser: Request;
  /** From `recogniseBrowser`. */
  binding: string;
  client: Client;
  request: AuthorizationRequest;
  /** What the page's form sent; empty where the page was skipped. */
  form: Parameters;
  setCookies: readonly string[];
}

export interface Granted {
  request: AuthorizationRequest;
  approval: Approval;
  /** The browser that it was given in, when it is known. */
  binding: string | undefined;
  setCookies: readonly string[];
}

/** The redirect to the client or to the provider; `again` when the form has to be shown once more. */
export async function approve(
  tools: ApproveTools,
  resource: Resource,
  { browser, binding, client, request, form, setCookies }: Approved,
): Promise<Response | { again: string }> {
  const state = randomId();
  const begun = await tools.strategies.of(resource).begin(request, form, { state, now: tools.now() });
  if (begun.kind === "again") return { again: begun.problem };
  if (begun.kind === "redirect") {
    const { memo, provider } = begun;
    const at = provider === undefined ? {} : { provider };
    const flow: AuthorizationFlow = { request, resource: resource.name, ...at, memo };
    const lifetimeSeconds = tools.config.server.loginTtlSeconds;
    const cookies = await beginFlow({ ...tools, kind: authorizationFlow, lifetimeSeconds }, {
      id: state,
      flow,
      browser,
      scope: cookieScopeOf(resource),
    });
    tools.log.info("provider_sign_in_begun", { resource: resource.name, client_id: client.clientId });
    return redirectWith(begun.url, [...setCookies, ...cookies]);
  }
  return grantCode(tools, resource, { request, approval: begun.approval, binding, setCookies });
}

/** The redirect to the client with its code. */
export async function grantCode(
  tools: ApproveTools,
  resource: Resource,
  { request, approval, binding, setCookies }: Granted,
): Promise<Response> {
  const codeTtlSeconds = tools.config.server.authCodeTtlSeconds;
  const { location, grant } = completeAuthorization({ ...tools, codeTtlSeconds }, resource, { request, approval });
  tools.log.info("authorization_code_issued", {
    resource: resource.name,
    client_id: request.clientId,
    grant: grant.id,
    ...(grant.identity === undefined ? {} : { subject: grant.identity.subject }),
  });
  const listOfBrowser = binding === undefined ? undefined : browserList(binding);
  const list = approval.account === undefined ? listOfBrowser : accountList(tools.config, approval.account);
  if (list !== undefined) {
    const { id: grantId, clientId, resource, grantedAt } = grant;
    await rememberApp(tools, list, { grantId, clientId, resource, grantedAt });
  }
  return redirectWith(location, setCookies);
}

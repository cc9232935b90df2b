// The consent page as an answer: what it shows of client and request, with the browser's cookie.
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import { pageHeaders } from "../http/response_headers.ts";
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import { isLoopbackRedirect, isPrivateUseRedirect } from "../oauth/redirect_uri.ts";
import { printScope } from "../oauth/scope.ts";
import { scopesCoveredBy, type ToolScope } from "../oauth/tool_scope.ts";
import { type ConsentPage, consentPage } from "../pages/consent.ts";
import { contentSecurityPolicy } from "../pages/layout.ts";
import type { ScopeChoice } from "../pages/scope_choices.ts";
import type { Strategy } from "../strategies/strategy.ts";

export interface ConsentAnswer {
  client: Client;
  request: AuthorizationRequest;
  strategy: Strategy;
  /** Scopes to choose among, with those that are on; absent: the request's scope is all there is to it. */
  scopeChoices?: { toolScopes: readonly ToolScope[]; checked: readonly string[] };
  /** The sealed request for the form. */
  sealed: string;
  /** What was wrong with the last try; the answer is then a 400. */
  problem?: string;
  setCookies: readonly string[];
}

export async function consentAnswer(resource: Resource, answer: ConsentAnswer): Promise<Response> {
  const { client, request, strategy } = answer;
  const page = await consentPage({
    clientName: client.name,
    clientIs: clientIs(client),
    redirectTo: destination(request.redirectUri),
    isLocal: isLoopbackRedirect(request.redirectUri) || isPrivateUseRedirect(request.redirectUri),
    resourceName: resource.displayName,
    resourceUrl: resource.urls.resource,
    scope: request.scope,
    ...(strategy.keyField === undefined
      ? {}
      : { keyField: { hint: strategy.keyField.hint, requiredScopes: printScope(resource.scopes) } }),
    ...(answer.scopeChoices === undefined ? {} : { scopeChoices: choicesOf(answer.scopeChoices) }),
    ...((strategy.keyField ?? strategy.providerChoices) === undefined ? { signIn: signInAt(resource) } : {}),
    ...(strategy.providerChoices === undefined ? {} : { providerChoices: strategy.providerChoices }),
    ...(answer.problem === undefined ? {} : { problem: answer.problem }),
    request: answer.sealed,
  });
  const headers = new Headers(pageHeaders(contentSecurityPolicy));
  for (const cookie of answer.setCookies) headers.append("set-cookie", cookie);
  return new Response(page, { status: answer.problem === undefined ? 200 : 400, headers });
}

function choicesOf({ toolScopes, checked }: NonNullable<ConsentAnswer["scopeChoices"]>): ScopeChoice[] {
  return toolScopes.map((scope) => ({
    name: scope.name,
    description: scope.description,
    covers: scopesCoveredBy(toolScopes, scope),
    checked: checked.includes(scope.name),
  }));
}

function clientIs({ source, verifiedHost }: Client): ConsentPage["clientIs"] {
  if (source === "pre_registered") return { kind: "known here" };
  return verifiedHost === undefined ? { kind: "unknown" } : { kind: "verified", host: verifiedHost };
}

/** Where the user goes next, in words that follow "you sign in". */
function signInAt({ displayName, strategy }: Resource): string {
  if (strategy.kind !== "chained_oauth") return "with your account";
  return strategy.provider === undefined
    ? `at the service behind ${displayName}`
    : `at ${new URL(strategy.provider.authorizeUrl).host}`;
}

/** Where the answer goes, as a person reads it. */
function destination(redirectUri: string): string {
  const url = new URL(redirectUri);
  if (isLoopbackRedirect(redirectUri)) return `${url.host} (this computer)`;
  return isPrivateUseRedirect(redirectUri) ? `${url.protocol}// (an app on this computer)` : url.host;
}

// /authenticate: the same check for a reverse proxy that carries the traffic itself (nginx auth_request, Caddy forward_auth,
// Traefik, Envoy, HAProxy). It answers 200, 401 or 403 and nothing else: nginx turns any other status into a 500.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { asOAuthError, challengeResponse } from "../http/error_responses.ts";
import { noStore } from "../http/response_headers.ts";
import { OAuthError } from "../oauth/errors.ts";
import { isToolAllowed } from "../oauth/tool_scope.ts";
import type { Access } from "../tokens/access_token.ts";
import { authenticateBearer, tokenWasSent } from "./bearer_authentication.ts";
import { downstreamCredential } from "./downstream_credential.ts";
import { identityHeaders } from "./identity_headers.ts";
import { withCurrentCredential } from "./live_credential.ts";
import { decodeMetadataHeader } from "./metadata_header.ts";
import { insufficientScope } from "./tool_authorization.ts";

export type AuthenticateEndpoint = (request: Request, resource: Resource | undefined) => Promise<Response>;

export function authenticateEndpoint(
  deps: Pick<Deps, "accessTokens" | "scopes" | "strategies" | "log">,
): AuthenticateEndpoint {
  async function allow(request: Request, resource: Resource): Promise<Response> {
    const user = await authenticateBearer(request.headers.get("authorization"), deps.accessTokens, resource);
    await checkTools(request.headers, resource, user.access);
    const headers = new Headers({ ...noStore, ...identityHeaders(user.access) });
    if (resource.strategy.kind === "login") headers.set("x-auth-request-access-token", user.token);
    const current = withCurrentCredential(deps.strategies.of(resource), user);
    const credential = downstreamCredential(resource, current);
    if (credential !== undefined) headers.set(...credential);
    return new Response(null, { status: 200, headers });
  }

  /**
   * The body is not here to be read. Since 2026-07-28 headers say which tool is called, and the server must refuse a body that
   * says otherwise; before, nothing says it. Where the operator named the scopes, what can't be seen is refused; a server that
   * names its own scopes is told the granted ones and sees to the rest.
   */
  async function checkTools(headers: Headers, resource: Resource, { scope: granted }: Access): Promise<void> {
    const { strategy } = resource;
    const toolScopes = await deps.scopes.toolScopes(resource);
    if (strategy.kind !== "login" || toolScopes.length === 0) return;
    const isModern = (headers.get("mcp-protocol-version") ?? "") >= "2026-07-28";
    if (isModern) {
      if (headers.get("mcp-method") !== "tools/call") return;
      const tool = decodeMetadataHeader(headers.get("mcp-name") ?? "") ?? "";
      if (!isToolAllowed(toolScopes, granted, tool)) throw insufficientScope(toolScopes, tool);
      return;
    }
    const missing = toolScopes.map(({ name }) => name).filter((name) => !granted.includes(name));
    if (strategy.toolScopes !== undefined && missing.length > 0) {
      const description = "this client does not say in a header which tool it calls, so all scopes are needed";
      throw new OAuthError("insufficient_scope", description, { scope: missing });
    }
  }

  return async (request, resource) => {
    if (resource === undefined) return new Response("nothing is published on this host\n", { status: 403 });
    try {
      return await allow(request, resource);
    } catch (thrown) {
      const error = asOAuthError(thrown);
      if (error.status !== 401 && error.status !== 403) {
        deps.log.error("authenticate_failed", { resource: resource.name, error: error.cause ?? error });
        return new Response("try again later\n", { status: 403, headers: noStore });
      }
      return challengeResponse(error, resource, {
        tokenSent: tokenWasSent(request.headers.get("authorization")),
        supported: await deps.scopes.supported(resource),
      });
    }
  };
}

// /authenticate: the same check for a reverse proxy that carries the traffic itself (nginx auth_request, Caddy forward_auth,
// Traefik, Envoy, HAProxy). It answers 200, 401 or 403 and nothing else: nginx turns any other status into a 500.
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import type { ProxyHandler } from "../http/router.ts";
import { asOAuthError, challengeResponse } from "../http/error_responses.ts";
import { noStore } from "../http/response_headers.ts";
import { OAuthError } from "../oauth/errors.ts";
import { isToolAllowed, type ToolScope } from "../oauth/tool_scope.ts";
import type { Access } from "../tokens/access_token.ts";
import { authenticateBearer, type Authenticated, tokenWasSent } from "./bearer_authentication.ts";
import { downstreamCredential } from "./downstream_credential.ts";
import { identityHeaders } from "./identity_headers.ts";
import { withCurrentCredential } from "./live_credential.ts";
import { decodeMetadataHeader } from "./metadata_header.ts";
import { insufficientScope, isHarmless, unknownMethod } from "./tool_authorization.ts";

/** What may stand in one of these headers decides here, so no second spelling of them may decide differently at the server. */
const decisive = ["authorization", "mcp-method", "mcp-name", "mcp-protocol-version"];

/** The one revision that demands headers which say what the body says; what comes later is not known here. */
const revisionWithHeaders = "2026-07-28";

export function authenticateEndpoint(
  deps: Pick<Deps, "accessTokens" | "scopes" | "strategies" | "log">,
): ProxyHandler {
  async function allow(request: Request, resource: Resource, asker: { isTrusted: boolean }): Promise<Response> {
    checkSpelling(request.headers);
    const user = await authenticateBearer(request.headers.get("authorization"), deps.accessTokens, resource);
    const toolScopes = await deps.scopes.toolScopes(resource);
    checkTools(request.headers, { resource, access: user.access, toolScopes });
    const headers = new Headers({ ...noStore, ...identityHeaders(user.access) });
    if (resource.strategy.kind === "login") headers.set("x-auth-request-access-token", user.token);
    const credential = credentialFor(asker, resource, user);
    if (credential !== undefined) headers.set(...credential);
    return new Response(null, { status: 200, headers });
  }

  /** The user's own JWT is no news to whoever asks with it; anything else is for reverse proxies that the operator named. */
  function credentialFor(
    asker: { isTrusted: boolean },
    resource: Resource,
    user: Authenticated,
  ): [string, string] | undefined {
    const current = withCurrentCredential(deps.strategies.of(resource), user);
    const credential = downstreamCredential(resource, current);
    if (credential === undefined || isOwnToken(resource) || (resource.forwardAuth && asker.isTrusted)) {
      return credential;
    }
    const remedy = resource.forwardAuth
      ? "add the reverse proxy's address to server.trusted_proxies"
      : `write downstream.${resource.name}.forward_auth = true`;
    deps.log.warning("credential_not_handed_out", { resource: resource.name, remedy });
    return undefined;
  }

  /**
   * The body is not here to be read. Since 2026-07-28 headers say which tool is called, and the server must refuse a body that
   * says otherwise, as it must refuse a revision that it does not speak; before, nothing says it. Where the operator named the
   * scopes, what can't be seen is refused; a server that names its own scopes is told the granted ones and sees to the rest.
   */
  function checkTools(
    headers: Headers,
    { resource: { strategy }, access: { scope: granted }, toolScopes }: {
      resource: Resource;
      access: Access;
      toolScopes: readonly ToolScope[];
    },
  ): void {
    if (strategy.kind !== "login" || toolScopes.length === 0) return;
    const method = headers.get("mcp-method");
    if (headers.get("mcp-protocol-version") === revisionWithHeaders && method !== null) {
      // Sent twice it arrives as "a, b", and which of the two the server reads is unknown.
      if (isHarmless(method) && !method.includes(",")) return;
      if (method !== "tools/call") throw unknownMethod(method);
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

  return async (request, resource, asker) => {
    if (resource === undefined) return new Response("nothing is published on this host\n", { status: 403 });
    try {
      return await allow(request, resource, asker);
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

/** Servers that turn headers into variables can't tell `mcp_name` from `mcp-name`, and may take the one that was not checked. */
function checkSpelling(headers: Headers): void {
  for (const name of headers.keys()) {
    if (name.includes("_") && decisive.includes(name.replaceAll("_", "-"))) {
      throw new OAuthError("invalid_request", "write the names of headers with hyphens", { status: 403 });
    }
  }
}

function isOwnToken({ strategy }: Resource): boolean {
  return strategy.kind === "login" && strategy.credential === undefined;
}

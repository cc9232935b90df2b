// POST /token: authenticates the client, dispatches on grant_type (RFC 6749 §3.2).
import { authenticateClient } from "../clients/client_authentication.ts";
import type { Client } from "../clients/client.ts";
import type { Resource } from "../config/config.ts";
import type { Deps } from "../deps.ts";
import { readForm } from "../http/form.ts";
import { noStore, publicCors } from "../http/response_headers.ts";
import { asOAuthError } from "../http/error_responses.ts";
import { OAuthError } from "../oauth/errors.ts";
import { requireParameter } from "../oauth/parameters.ts";
import { noteTokensGiven } from "../store/last_use.ts";
import { grantLifetimeSeconds } from "../tokens/grant_lifetime.ts";
import { redeemCode } from "./authorization_code_grant.ts";
import { createRefreshTokenGrant } from "./refresh_token_grant.ts";

export function tokenEndpoint(
  deps: Deps,
): (request: Request, resource: Resource, context: { address: string }) => Promise<Response> {
  const tools = { ...deps, lifetimes: deps.config.tokens };
  const redeemRefreshToken = createRefreshTokenGrant(tools);
  const grants = {
    authorization_code: redeemCode.bind(undefined, tools),
    refresh_token: redeemRefreshToken,
  };

  return async (request, resource, { address }) => {
    const parameters = await readForm(request);
    const grantType = requireParameter(parameters, "grant_type");
    if (!Object.hasOwn(grants, grantType)) {
      throw new OAuthError("unsupported_grant_type", "grant_type must be authorization_code or refresh_token");
    }
    const client = await authenticateClient(deps, {
      authorization: request.headers.get("authorization"),
      parameters,
      audiences: [resource.urls.token, resource.urls.issuer],
    });
    await deps.rateLimits.checkClient(client.clientId, isProven(client) ? undefined : address);
    const redeem = grants[grantType as keyof typeof grants];
    const facts = { resource: resource.name, client_id: client.clientId, grant_type: grantType };
    const { grantId, response } = await redeem(resource, { client, parameters }).catch((error) => {
      deps.log.info("token_refused", { ...facts, error: asOAuthError(error).code });
      throw error; // the reason is logged with the answer
    });
    await noteTokensGiven(deps, grantId, grantLifetimeSeconds(deps.config.tokens));
    deps.log.info("token_issued", { ...facts, grant: grantId });
    return Response.json(response, { headers: { ...noStore, ...publicCors } });
  };
}

/** Whether authenticating took more than a name that everybody knows. */
function isProven({ authentication }: Client): boolean {
  return authentication.method !== "none" && !("orNone" in authentication && authentication.orNone === true);
}

// An approved request becomes a grant, the grant a sealed code, the code a redirect to the client.
import type { Resource } from "../config/config.ts";
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import { codeRedirect } from "../oauth/authorization_response.ts";
import type { Grant } from "../oauth/grant.ts";
import type { Approval } from "../strategies/strategy.ts";
import { sealAuthorizationCode } from "../tokens/authorization_code.ts";
import { randomId } from "../tokens/random_id.ts";
import type { Sealer } from "../tokens/seal.ts";

/** Where to send the browser with the code. */
export function completeAuthorization(
  tools: { sealer: Sealer; now: () => number; codeTtlSeconds: number },
  resource: Resource,
  { request, approval }: { request: AuthorizationRequest; approval: Approval },
): { location: string; grant: Grant } {
  const grant: Grant = {
    id: randomId(),
    clientId: request.clientId,
    resource: resource.urls.resource,
    scope: approval.scope ?? request.scope,
    grantedAt: tools.now(),
    ...(approval.identity === undefined ? {} : { identity: approval.identity }),
    ...(approval.credential === undefined ? {} : { credential: approval.credential }),
    ...(approval.renewal === undefined ? {} : { renewal: approval.renewal }),
  };
  const { redirectUri, codeChallenge, state } = request;
  const code = sealAuthorizationCode(
    tools.sealer,
    { id: randomId(), grant, redirectUri, codeChallenge },
    tools.now() + tools.codeTtlSeconds,
  );
  const location = codeRedirect({
    redirectUri,
    issuer: resource.urls.issuer,
    code,
    ...(state === undefined ? {} : { state }),
  });
  return { location, grant };
}

// Google on top of OpenID Connect; groups of Google Workspace where a service account may read them.
import type { ProviderConfig } from "../config/config.ts";
import type { Identity } from "../oauth/grant.ts";
import { createServiceAccount } from "./google_service_account.ts";
import { googleWorkspace } from "./google_workspace.ts";
import type { Claims } from "./id_token.ts";
import { verifiedEmail } from "./openid_claims.ts";
import { createDiscovery } from "./openid_configuration.ts";
import { openIdProvider } from "./openid_provider.ts";
import type { Provider } from "./provider.ts";
import type { ApiCall } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderFetch } from "./provider_fetch.ts";

export function google(config: ProviderConfig, tools: { fetch: ProviderFetch }): Provider {
  const { serviceAccountFile: file, serviceAccount: account, apiUrl, adminEmail } = config;
  const workspace = file === undefined && account === undefined
    ? undefined
    : googleWorkspace(createServiceAccount({ file, account }), { apiUrl, adminEmail });

  async function identify({ claims }: { claims: Claims }, call: ApiCall): Promise<Identity> {
    const email = verifiedEmail(claims)?.toLowerCase();
    if (email === undefined) throw new ProviderError("refused", "Google says no verified email address");
    const groups = workspace === undefined || !isWorkspaceAccount(claims)
      ? undefined
      : await workspace.groupsOf(email, call);
    return {
      subject: claims.sub,
      name: email,
      ...(isAuthoritative(claims, email) ? { email } : {}),
      ...(groups === undefined ? {} : { groups }),
    };
  }

  return openIdProvider(config, {
    discovery: createDiscovery(config.issuer ?? "https://accounts.google.com"),
    issuerFor: (document) => document.issuer,
    scopes: () => ["openid", "email"],
    // Google gives a refresh token for `offline`, and to a user who signs in again only with a new consent.
    parameters: () => ({ access_type: "offline", prompt: "consent" }),
    parametersForOnce: { prompt: "select_account" },
    isComplete: (claims) => claims.email !== undefined && claims.email_verified !== undefined,
    identify,
    ...(workspace === undefined ? {} : { check: (call) => workspace.check(call) }),
  }, tools);
}

function isWorkspaceAccount({ hd }: Claims): boolean {
  return typeof hd === "string" && hd !== "";
}

/**
 * Google vouches for gmail.com addresses and for those of its Workspace customers. Any other was verified once, when the
 * account was made: whoever left that company since still has the account.
 */
function isAuthoritative(claims: Claims, email: string): boolean {
  return isWorkspaceAccount(claims) || /^[^@]+@(gmail|googlemail)\.com$/.test(email);
}

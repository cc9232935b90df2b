// Any OpenID provider by discovery: Keycloak, Okta, Auth0, Authentik, Pocket ID, Dex, …
import type { ProviderConfig } from "../config/config.ts";
import { identityFromClaims } from "./openid_claims.ts";
import { createDiscovery, type OpenIdConfiguration } from "./openid_configuration.ts";
import { openIdProvider } from "./openid_provider.ts";
import type { Provider, WantedFacts } from "./provider.ts";
import type { ProviderFetch } from "./provider_fetch.ts";

export function oidc(config: ProviderConfig, tools: { fetch: ProviderFetch; wanted: WantedFacts }): Provider {
  const { wanted } = tools;
  return openIdProvider(config, {
    discovery: createDiscovery(config.issuer!),
    issuerFor: (document) => document.issuer,
    scopes: (document) => scopes(config, document),
    // OIDC Core §11: `offline_access` is ignored without it.
    parameters: (document): Record<string, string> =>
      scopes(config, document).includes("offline_access") ? { prompt: "consent" } : {},
    // Not every provider knows `select_account` (OIDC Core §3.1.2.1), and some refuse what they don't know.
    parametersForOnce: {},
    isComplete: (claims) =>
      claims.preferred_username !== undefined && claims.email !== undefined &&
      (!wanted.groups || claims.groups !== undefined),
    identify: ({ claims }) => Promise.resolve(identityFromClaims(claims)),
  }, tools);
}

/** What the provider has of the things we read; `groups` is a scope at Okta, Dex and Authentik. */
function scopes(config: ProviderConfig, document: OpenIdConfiguration): readonly string[] {
  if (config.scopes !== undefined) return [...new Set(["openid", ...config.scopes])];
  const optional = ["profile", "email", "groups", "offline_access"];
  // Without a list (it is only RECOMMENDED) the standard ones are asked for; `groups` would be an invalid_scope for some.
  const isOffered = (scope: string) =>
    document.scopesSupported.length === 0 ? scope !== "groups" : document.scopesSupported.includes(scope);
  return ["openid", ...optional.filter(isOffered)];
}

// Microsoft Entra ID on top of OpenID Connect. `tid` and `oid` say who; `email` and `upn` can be changed by whoever runs the
// tenant, so nothing is decided by them: https://learn.microsoft.com/entra/identity-platform/claims-validation
import type { ProviderConfig } from "../config/config.ts";
import type { Identity } from "../oauth/grant.ts";
import { microsoftGraph } from "./entra_graph.ts";
import type { Claims } from "./id_token.ts";
import type { ClaimSet } from "./openid_claims.ts";
import { createDiscovery } from "./openid_configuration.ts";
import { openIdProvider } from "./openid_provider.ts";
import type { Provider, WantedFacts } from "./provider.ts";
import { type ApiCall, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderFetch } from "./provider_fetch.ts";

/** Any tenant may sign in: then only `tid` tells whose user it is. */
const placeholder = "{tenantid}";

export function entra(config: ProviderConfig, tools: { fetch: ProviderFetch; wanted: WantedFacts }): Provider {
  const authority = (config.issuer ?? "https://login.microsoftonline.com").replace(/\/$/, "");
  const graph = microsoftGraph(config.apiUrl ?? "https://graph.microsoft.com/v1.0");
  const discovery = createDiscovery(`${authority}/${config.tenant}/v2.0`, (issuer) => {
    // A tenant that is configured by its domain calls itself by its id.
    const tenant = /^([^/]+)\/v2\.0$/.exec(issuer.slice(authority.length + 1))?.[1];
    const isId = /^[0-9a-f-]{36}$/i.test(config.tenant!);
    return issuer.startsWith(`${authority}/`) && tenant !== undefined && (!isId || tenant === config.tenant);
  });

  async function identify(
    { claims, accessToken }: { claims: Claims; accessToken: string },
    call: ApiCall,
  ): Promise<Identity> {
    const [tid, oid] = [textIn(claims.tid), textIn(claims.oid)];
    if (tid === undefined || oid === undefined) throw new ProviderError("broken", "the ID token has no tid or no oid");
    const { issuer } = await discovery.find(call);
    await graph.checkEnabled(oid, { token: accessToken, call });
    // Where any tenant may sign in, each names its users and groups as it likes; ids are Microsoft's.
    const anyTenant = issuer.includes(placeholder);
    const groups = await readGroups(anyTenant ? withoutNames(claims) : claims, accessToken, call);
    const email = verifiedByDomainOwner(claims);
    const name = anyTenant ? undefined : textIn(claims.preferred_username);
    return {
      subject: `${tid}.${oid}`,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
      ...(groups === undefined ? {} : { groups }),
    };
  }

  /** More than 200 groups are left out of the token; it then only says so ("overage"), and Graph has the list. */
  async function readGroups(claims: Claims, token: string, call: ApiCall): Promise<readonly string[] | undefined> {
    if (Array.isArray(claims.groups)) return claims.groups.filter((group) => typeof group === "string");
    const isOverage = claims.hasgroups !== undefined || textIn((claims._claim_names as ClaimSet)?.groups) !== undefined;
    return isOverage || tools.wanted.groups ? await graph.groupsOfUser({ token, call }) : undefined;
  }

  return openIdProvider(config, {
    discovery,
    issuerFor: ({ issuer }, { tid }) => issuer.replace(placeholder, textIn(tid) ?? placeholder),
    scopes: () => ["openid", "profile", "email", "offline_access", "User.Read"],
    parameters: () => ({}),
    parametersForOnce: { prompt: "select_account" },
    isComplete: () => true,
    identify,
  }, tools);
}

/** An app may have groups named in the token instead of numbered; then Graph is asked, as if they had not fitted. */
function withoutNames({ groups, ...claims }: Claims): Claims {
  return groups === undefined ? claims as Claims : { ...claims, hasgroups: true } as Claims;
}

/** `xms_edov`: the domain of the address belongs to the tenant or the address was verified. Sent when the app asks for it. */
function verifiedByDomainOwner({ email, xms_edov }: Claims): string | undefined {
  return xms_edov === true || xms_edov === 1 || xms_edov === "1" || xms_edov === "true"
    ? textIn(email)?.toLowerCase()
    : undefined;
}

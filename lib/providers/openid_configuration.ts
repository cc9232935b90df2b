// What an OpenID provider says about itself (OpenID Connect Discovery 1.0 §3, §4), asked when needed and remembered.
import { isLoopbackHost } from "../config/url_rules.ts";
import { type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import { isLocalAddress } from "./provider_fetch.ts";

export interface OpenIdConfiguration {
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  jwksUri: string;
  userinfoEndpoint?: string;
  revocationEndpoint?: string;
  scopesSupported: readonly string[];
  /** Empty: not said. */
  tokenAuthMethods: readonly string[];
  /** RFC 9207 §3. */
  sendsIssuer: boolean;
}

export interface Discovery {
  /** @throws ProviderError; a document that was fetched before is used when the provider is down */
  find(call: ApiCall): Promise<OpenIdConfiguration>;
}

const lifetimeSeconds = 3600;
/** After a failure the old document is used for this long before the next try. */
const restSeconds = 60;

/**
 * @param issuer as configured, with or without the slash at the end that some providers have
 * @param isIssuer what else the document may call itself; by default exactly the issuer (§4.3)
 */
export function createDiscovery(
  issuer: string,
  isIssuer: (named: string) => boolean = (named) => trimSlash(named) === trimSlash(issuer),
): Discovery {
  const url = new URL(`${trimSlash(issuer)}/.well-known/openid-configuration`);
  let known: { document: OpenIdConfiguration; goodUntil: number } | undefined;

  async function fetchDocument(call: ApiCall): Promise<OpenIdConfiguration> {
    const document = readDocument(requireObject(await askApi(call, { url }), `${url.host} discovery`), url);
    if (!isIssuer(document.issuer)) {
      const named = JSON.stringify(document.issuer.slice(0, 200));
      throw new ProviderError("broken", `${url.host} calls itself ${named}, which is another issuer than configured`);
    }
    return document;
  }

  return {
    async find(call) {
      if (known !== undefined && call.now < known.goodUntil) return known.document;
      try {
        known = { document: await fetchDocument(call), goodUntil: call.now + lifetimeSeconds };
      } catch (error) {
        if (known === undefined || !(error instanceof ProviderError)) throw error;
        known = { ...known, goodUntil: call.now + restSeconds };
      }
      return known.document;
    },
  };
}

/** @param from where the document was */
function readDocument(json: Record<string, unknown>, from: URL): OpenIdConfiguration {
  const isSafe = (value: string) => mayBeAsked(value, from);
  /** @throws ProviderError */
  const requireUrl = (name: string) => {
    const value = textIn(json[name]) ?? "";
    // Entra writes a placeholder into the issuer of its shared endpoints, which URL takes as it is.
    if (!isSafe(value)) throw new ProviderError("broken", `the discovery document has no usable ${name}`);
    return value;
  };
  const userinfo = textIn(json.userinfo_endpoint);
  const revocation = textIn(json.revocation_endpoint);
  return {
    issuer: requireUrl("issuer"),
    authorizationEndpoint: requireUrl("authorization_endpoint"),
    tokenEndpoint: requireUrl("token_endpoint"),
    jwksUri: requireUrl("jwks_uri"),
    ...(userinfo === undefined ? {} : { userinfoEndpoint: requireUrl("userinfo_endpoint") }),
    ...(revocation !== undefined && isSafe(revocation) ? { revocationEndpoint: revocation } : {}),
    scopesSupported: textsIn(json.scopes_supported),
    tokenAuthMethods: textsIn(json.token_endpoint_auth_methods_supported),
    sendsIssuer: json.authorization_response_iss_parameter_supported === true,
  };
}

/**
 * https, or http on loopback: a code, a secret and an access token go there. A provider out on the internet names nothing on this
 * machine or the network around it, where a POST alone may do harm.
 */
function mayBeAsked(value: string, from: URL): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (isLocalAddress(url) && !isLocalAddress(from))) return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function trimSlash(url: string): string {
  return url.replace(/\/$/, "");
}

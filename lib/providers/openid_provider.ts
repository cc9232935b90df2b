// Sign-in at any provider that speaks OpenID Connect; what differs between products is given as rules.
import { generateRandomCodeVerifier, generateRandomNonce } from "oauth4webapi";
import type { ProviderConfig } from "../config/config.ts";
import type { Identity } from "../oauth/grant.ts";
import { checkDiscovery, checkTokenEndpoint } from "./check_openid.ts";
import { type Claims, type IdTokenCheck, verifyIdToken } from "./id_token.ts";
import {
  buildAuthorizationUrl,
  type ProviderAuthentication,
  type ProviderClient,
  revokeToken,
} from "./oauth_client.ts";
import { type ClaimSet, joinClaims } from "./openid_claims.ts";
import type { Discovery, OpenIdConfiguration } from "./openid_configuration.ts";
import type { CheckResult, Provider, SignedIn } from "./provider.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderFetch } from "./provider_fetch.ts";
import { redeemAnswer, renewTokens } from "./sign_in_tokens.ts";
import { createSigningKeySet } from "./signing_key_set.ts";
import type { ProviderTokens } from "./token_response.ts";

export interface OpenIdRules {
  discovery: Discovery;
  /** `iss` that an ID Token with these claims must have. */
  issuerFor(document: OpenIdConfiguration, claims: ClaimSet): string;
  scopes(document: OpenIdConfiguration): readonly string[];
  /** Sent to the authorization endpoint besides what OpenID Connect needs. */
  parameters(document: OpenIdConfiguration): Record<string, string>;
  /** Instead of them where the user signs in for this once and nothing lasting is asked for. */
  parametersForOnce: Record<string, string>;
  /** False when the UserInfo endpoint has to be asked for what the ID Token leaves out. */
  isComplete(claims: ClaimSet): boolean;
  /** Who it is, with whatever else has to be asked. @throws ProviderError */
  identify(facts: { claims: Claims; accessToken: string }, call: ApiCall): Promise<Identity>;
  /** Probes beyond discovery and the client's credentials. */
  check?(call: ApiCall): Promise<CheckResult[]>;
}

interface Memo {
  codeVerifier: string;
  nonce: string;
}

export function openIdProvider(
  config: Pick<ProviderConfig, "name" | "displayName" | "clientId" | "clientSecret" | "revokeAtProvider">,
  rules: OpenIdRules,
  { fetch }: { fetch: ProviderFetch },
): Provider {
  const keySet = createSigningKeySet();

  /** The claims of this sign-in, from the ID Token and where needed from UserInfo. */
  async function readClaims(
    document: OpenIdConfiguration,
    tokens: ProviderTokens,
    { call, nonce }: { call: ApiCall; nonce?: string },
  ): Promise<Claims> {
    const { accessToken, idToken } = tokens;
    if (idToken === undefined) {
      // Only after a refresh, where the ID Token is optional (OIDC Core §12.2).
      if (nonce !== undefined) throw new ProviderError("broken", "the provider gave no ID token");
      return await askUserinfo(document, accessToken, call) as Claims;
    }
    const check: IdTokenCheck = {
      keys: keySet.keysAt(document.jwksUri, call),
      issuerFor: (claims) => rules.issuerFor(document, claims),
      clientId: config.clientId,
      accessToken,
      now: call.now,
      ...(nonce === undefined ? {} : { nonce }),
    };
    const claims = await verifyIdToken(idToken, check);
    if (rules.isComplete(claims) || document.userinfoEndpoint === undefined) return claims;
    const userinfo = await askUserinfo(document, accessToken, call);
    if (userinfo.sub !== claims.sub) throw new ProviderError("broken", "UserInfo speaks of another user (§5.3.2)");
    return joinClaims(claims, userinfo) as Claims;
  }

  async function signedIn(tokens: ProviderTokens, claims: Claims, call: ApiCall): Promise<SignedIn> {
    const identity = await rules.identify({ claims, accessToken: tokens.accessToken }, call);
    return { identity, ...(tokens.refreshToken === undefined ? {} : { renewal: tokens.refreshToken }) };
  }

  async function revoke(renewal: string, now: number): Promise<void> {
    const call = { fetch, now };
    const client = clientOf(config, await rules.discovery.find(call));
    await revokeToken(call, client, { token: renewal, hint: "refresh_token" });
  }

  return {
    name: config.name,
    displayName: config.displayName,

    async begin({ redirectUri, state, now, once = false }) {
      const document = await rules.discovery.find({ fetch, now });
      const codeVerifier = generateRandomCodeVerifier();
      const nonce = generateRandomNonce();
      const scope = rules.scopes(document).filter((scope) => !once || scope !== "offline_access").join(" ");
      const request = { redirectUri, state, scope, codeVerifier };
      const url = new URL(buildAuthorizationUrl(clientOf(config, document), request));
      url.searchParams.set("nonce", nonce);
      const parameters = once ? rules.parametersForOnce : rules.parameters(document);
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      const memo: Memo = { codeVerifier, nonce };
      return { url: url.href, memo };
    },

    async finish(memo, answer, { redirectUri, now }) {
      const call = { fetch, now };
      const { codeVerifier, nonce } = memo as Memo;
      const document = await rules.discovery.find(call);
      const tokens = await redeemAnswer(call, clientOf(config, document), { answer, redirectUri, codeVerifier });
      return await signedIn(tokens, await readClaims(document, tokens, { call, nonce }), call);
    },

    async renew(renewal, { now, rotated }) {
      const call = { fetch, now };
      const document = await rules.discovery.find(call);
      const tokens = await renewTokens(call, clientOf(config, document), renewal);
      if (tokens.refreshToken !== undefined && tokens.refreshToken !== renewal) await rotated(tokens.refreshToken);
      const facts = await signedIn(tokens, await readClaims(document, tokens, { call }), call);
      return { renewal, ...facts };
    },

    ...(config.revokeAtProvider ? { revoke } : {}),

    async check(now) {
      const call = { fetch, now };
      const found = await checkDiscovery(rules.discovery, call);
      if (found.document === undefined) return [found.result];
      const client = clientOf(config, found.document);
      return [found.result, await checkTokenEndpoint(client, call), ...await rules.check?.(call) ?? []];
    },
  };
}

async function askUserinfo(document: OpenIdConfiguration, token: string, call: ApiCall): Promise<ClaimSet> {
  if (document.userinfoEndpoint === undefined) {
    throw new ProviderError("broken", "the provider gave neither an ID token nor has it a UserInfo endpoint");
  }
  const url = new URL(document.userinfoEndpoint);
  const answer = await askApi(call, { url, token });
  // A token that was issued a moment ago and is no longer good: the account behind it has been closed. Any other refusal may
  // be a gateway's.
  if (answer.status === 401 && isInvalidToken(answer)) {
    throw new ProviderError("refused", `${url.host} UserInfo says invalid_token`);
  }
  const claims = requireObject(answer, `${url.host} UserInfo`);
  if (typeof claims.sub !== "string" || claims.sub === "") throw new ProviderError("broken", "UserInfo names no sub");
  return claims;
}

/** RFC 6750 §3.1, in the header or, as some do, in the body. */
function isInvalidToken({ headers, json }: ApiAnswer): boolean {
  return json?.error === "invalid_token" || /error="?invalid_token/.test(headers.get("www-authenticate") ?? "");
}

function clientOf(
  { clientId, clientSecret }: Pick<ProviderConfig, "clientId" | "clientSecret">,
  document: OpenIdConfiguration,
): ProviderClient {
  const methods = document.tokenAuthMethods;
  const method: ProviderAuthentication["method"] = methods.includes("client_secret_post")
    ? "client_secret_post"
    : "client_secret_basic"; // the default where nothing is said (OIDC Discovery §3)
  return {
    issuer: document.issuer,
    authorizeUrl: document.authorizationEndpoint,
    tokenUrl: document.tokenEndpoint,
    ...(document.revocationEndpoint === undefined ? {} : { revocationUrl: document.revocationEndpoint }),
    sendsIssuer: document.sendsIssuer,
    clientId,
    authentication: { method, secret: clientSecret },
    pkce: true,
    tokenAccept: "application/json",
  };
}

// A second OAuth flow, at the downstream's own provider: its access token is the downstream's credential, its refresh token
// travels sealed inside ours. Nobody is logged out but by the provider's own word.
import { generateRandomCodeVerifier } from "oauth4webapi";
import type { ChainedOAuthConfig, Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Credential, Grant, ProviderRegistration } from "../oauth/grant.ts";
import type { Parameters } from "../oauth/parameters.ts";
import { parseScope } from "../oauth/scope.ts";
import {
  buildAuthorizationUrl,
  exchangeCode,
  type ProviderClient,
  readAuthorizationAnswer,
  refreshTokens,
  revokeToken,
} from "../providers/oauth_client.ts";
import type { ProviderFetch } from "../providers/provider_fetch.ts";
import type { ProviderSource } from "../providers/provider_source.ts";
import type { ProviderTokens } from "../providers/token_response.ts";
import type { Log } from "../telemetry/log.ts";
import { authorizationRefusal, describeFailure, exchangeFailure, refreshFailure } from "./provider_failures.ts";
import type { ProviderTokenKeeper } from "./provider_tokens.ts";
import type { RefusedCredentials } from "./refused_credentials.ts";
import type { Strategy } from "./strategy.ts";

export interface ChainedOAuthTools {
  source: ProviderSource;
  fetch: ProviderFetch;
  keeper: ProviderTokenKeeper;
  refusedCredentials: RefusedCredentials;
  log: Log;
}

/** What waits in the flow's cookie while the browser is at the provider. */
interface Memo {
  codeVerifier: string;
  /** What was asked for. */
  scope: string;
  registration?: ProviderRegistration;
}

export function chainedOAuth(
  resource: Resource,
  config: ChainedOAuthConfig,
  { source, fetch, keeper, refusedCredentials, log }: ChainedOAuthTools,
): Strategy {
  const mayRevoke = config.provider === undefined || config.provider.revocationUrl !== undefined;
  const refreshes = config.supportsRefresh || source.discovered;

  async function redeem(
    provider: ProviderClient,
    memo: Memo,
    { code, now }: { code: string; now: number },
  ): Promise<ProviderTokens> {
    const { codeVerifier, registration } = memo;
    const answer = await exchangeCode({ fetch, now }, provider, {
      code,
      redirectUri: resource.urls.callback,
      codeVerifier,
    });
    if (answer.kind === "tokens") return answer.tokens;
    if (answer.kind === "refused" && answer.error === "invalid_client") await source.refused(registration);
    log.warning("provider_exchange_failed", {
      resource: resource.name,
      ...describeFailure(provider, answer, [code, codeVerifier]),
    });
    throw exchangeFailure(answer);
  }

  /** One refresh at the provider. Only its own word ends a grant; everything else leaves the refresh token good. */
  async function refresh(credential: Credential & { refreshToken: string }, now: number): Promise<Credential> {
    const { registration, refreshToken } = credential;
    const provider = await source.recall(registration, now);
    const answer = await refreshTokens({ fetch, now }, provider, refreshToken);
    if (answer.kind === "tokens") {
      log.debug("provider_tokens_refreshed", { resource: resource.name });
      return credentialOf({ refreshToken, ...answer.tokens }, now, registration);
    }
    const facts = { resource: resource.name, ...describeFailure(provider, answer, [refreshToken]) };
    const unknownClient = answer.kind === "refused" && answer.error === "invalid_client";
    const failure = refreshFailure(answer, { registersAnew: unknownClient && await source.refused(registration) });
    if (failure.code === "invalid_grant") log.info("provider_access_ended", facts);
    // Not the user's doing and not a logout: the operator has to look at it.
    else if (answer.kind === "unavailable") log.warning("provider_unavailable", facts);
    else log.error("provider_refresh_failed", facts);
    throw failure;
  }

  return {
    ...(source.discovered ? { openScopes: true } : {}),

    async begin(request, _form, { state, now }) {
      const { provider, registration, scopeFor } = await source.find(now);
      const codeVerifier = generateRandomCodeVerifier();
      const scope = scopeFor(request.scope);
      const url = buildAuthorizationUrl(provider, {
        redirectUri: resource.urls.callback,
        state,
        scope,
        codeVerifier,
      });
      const memo: Memo = { codeVerifier, scope, ...(registration === undefined ? {} : { registration }) };
      return { kind: "redirect", url, memo };
    },

    async finish(_request, kept, parameters, now) {
      const memo = kept as Memo;
      const provider = await source.recall(memo.registration, now);
      const answer = readAnswer(provider, parameters);
      source.recognised(memo.registration);
      if (answer.kind === "refused") {
        const refusal = authorizationRefusal(answer.error);
        log.info("provider_sign_in_refused", { resource: resource.name, error: refusal.cause ?? refusal.code });
        throw refusal;
      }
      const tokens = await redeem(provider, memo, { code: answer.code, now });
      return {
        credential: credentialOf(tokens, now, memo.registration),
        // Where the operator wrote down what to ask for, the client's scopes are our own words and stay as they were asked.
        ...(source.discovered ? { scope: parseScope(tokens.scope ?? memo.scope) } : {}),
      };
    },

    async renew(grant, now) {
      const credential = credentialIn(grant);
      // Credentials of one authorization server are no good at another (MCP 2026-07-28, authorization server binding).
      if (await source.hasMoved(credential.registration)) {
        throw new OAuthError(
          "invalid_grant",
          "the MCP server has moved to another provider; the user must re-authorize",
        );
      }
      if (!refreshes || credential.refreshToken === undefined) {
        await refusedCredentials.check(grant.id, credential.value, now);
        if (isLive(credential, now)) return grant;
        throw new OAuthError(
          "invalid_grant",
          "the access given by the provider has ended; the user must authorize again",
        );
      }
      return { ...grant, credential: await keeper.renew(grant.id, credential, { now, refresh }) };
    },

    keep: (grant, now) =>
      (refreshes && grant.credential?.refreshToken !== undefined) || mayRevoke
        ? keeper.keep(grant.id, credentialIn(grant), now)
        : Promise.resolve(),

    current: ({ grantId, credential }) => keeper.current(grantId, credential),

    async replace({ grantId }, refused, now) {
      const replacement = refreshes ? await keeper.replace(grantId, refused, { now, refresh }) : undefined;
      if (replacement === undefined) {
        source.doubt();
        await refusedCredentials.note(grantId, refused, now);
      }
      return replacement;
    },

    async revoke(grant) {
      const credential = await keeper.forget(grant.id, grant.credential);
      if (credential === undefined) return;
      try {
        const provider = await source.recall(credential.registration, grant.grantedAt);
        await revokeToken({ fetch, now: grant.grantedAt }, provider, tokenToRevoke(credential));
      } catch (error) {
        log.warning("provider_revocation_failed", { resource: resource.name, grant: grant.id, error });
      }
    },
  };
}

/** Of a refresh token and an access token the former: a provider ends the latter with it (RFC 7009 §2.1). */
function tokenToRevoke({ refreshToken, value }: Credential) {
  return refreshToken === undefined
    ? { token: value, hint: "access_token" as const }
    : { token: refreshToken, hint: "refresh_token" as const };
}

/** @throws OAuthError `server_error` when the answer is not from the provider that the browser was sent to */
function readAnswer(provider: ProviderClient, parameters: Parameters) {
  try {
    return readAuthorizationAnswer(provider, parameters);
  } catch (cause) {
    throw new OAuthError("server_error", "the provider's answer could not be trusted", { cause });
  }
}

function credentialOf(tokens: ProviderTokens, now: number, registration?: ProviderRegistration): Credential {
  const { accessToken, refreshToken, lifetimeSeconds } = tokens;
  return {
    value: accessToken,
    ...(lifetimeSeconds === undefined ? {} : { expiresAt: now + lifetimeSeconds }),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(registration === undefined ? {} : { registration }),
  };
}

function credentialIn(grant: Grant): Credential {
  if (grant.credential === undefined) throw new TypeError("a chained grant always holds a credential");
  return grant.credential;
}

function isLive({ expiresAt }: Credential, now: number): boolean {
  return expiresAt === undefined || expiresAt > now;
}

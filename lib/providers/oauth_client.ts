// Us as an OAuth client of a provider: where the browser goes, what its answer must look like, and the requests of the token
// and revocation endpoints. oauth4webapi builds and authenticates the requests; token_response.ts reads the answers.
import {
  allowInsecureRequests,
  type AuthorizationServer,
  type ClientAuth,
  ClientSecretPost,
  customFetch,
  genericTokenEndpointRequest,
  None,
  revocationRequest,
  skipStateCheck,
  validateAuthResponse,
} from "oauth4webapi";
import type { Secret } from "../config/secrets.ts";
import type { Parameters } from "../oauth/parameters.ts";
import { codeChallengeOf } from "../oauth/pkce.ts";
import { type ProviderFetch, ProviderUnreachableError } from "./provider_fetch.ts";
import { readTokenResponse, type TokenAnswer } from "./token_response.ts";

/** How we prove at the token endpoint that we are ourselves (RFC 7591 §2). */
export type ProviderAuthentication =
  | { method: "none" }
  | { method: "client_secret_post" | "client_secret_basic"; secret: Secret };

/** A provider, and who we are there. */
export interface ProviderClient {
  /** Absent where the operator wrote down endpoints and no issuer. */
  issuer?: string;
  authorizeUrl: string;
  tokenUrl: string;
  revocationUrl?: string;
  /** The provider promises `iss` in every authorization answer (RFC 9207 §3). */
  sendsIssuer: boolean;
  clientId: string;
  authentication: ProviderAuthentication;
  /** Where nobody said how the secret is to be sent: learned to be true when the provider takes it by Basic only. */
  learned?: { basicOnly: boolean };
  pkce: boolean;
  /** The `resource` parameter of every request (RFC 8707), where the provider belongs to an MCP server. */
  resource?: string;
  /** `Accept` towards the token endpoint. */
  tokenAccept: string;
}

/** What the browser brought back: a code, or an error code. Both come from outside; the error is for choosing ours only. */
export type AuthorizationAnswer = { kind: "code"; code: string } | { kind: "refused"; error: string };

export interface ProviderCall {
  fetch: ProviderFetch;
  now: number;
}

/** The provider's authorization endpoint with our request; a query that it has already is kept (RFC 6749 §3.1). */
export function buildAuthorizationUrl(
  provider: ProviderClient,
  request: { redirectUri: string; state: string; scope: string; codeVerifier: string },
): string {
  const url = new URL(provider.authorizeUrl);
  const parameters = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: request.redirectUri,
    state: request.state,
    ...(request.scope === "" ? {} : { scope: request.scope }),
    ...(provider.pkce ? { code_challenge: codeChallengeOf(request.codeVerifier), code_challenge_method: "S256" } : {}),
    ...(provider.resource === undefined ? {} : { resource: provider.resource }),
    // OpenID Connect Core §11: without it a provider may leave offline_access out. Who wrote the provider down writes this too.
    ...(provider.issuer !== undefined && request.scope.split(" ").includes("offline_access")
      ? { prompt: "consent" }
      : {}),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * The code or the error in the provider's answer, after `iss` was compared with the issuer that the browser was sent to
 * (RFC 9207 §2.4). `state` is checked by the callback endpoint before.
 *
 * @throws Error when the answer is not from that issuer, or holds neither; nothing of it may be used then
 */
export function readAuthorizationAnswer(provider: ProviderClient, answer: Parameters): AuthorizationAnswer {
  const { iss, ...rest } = answer;
  // Without a known issuer there is nothing to compare: the redirect URI of our own for each resource keeps providers apart
  // (RFC 9700 §4.4.2.2).
  const parameters = new URLSearchParams(provider.issuer === undefined || iss === undefined ? rest : answer);
  const error = parameters.get("error");
  parameters.delete("error");
  try {
    validateAuthResponse(serverOf(provider), { client_id: provider.clientId }, parameters, skipStateCheck);
  } catch (error) {
    throw new Error(`the provider's answer is not acceptable: ${(error as Error).message}`); // its cause holds the code
  }
  if (error !== null) return { kind: "refused", error };
  if (answer.code === undefined) throw new Error("the provider's answer holds neither a code nor an error");
  return { kind: "code", code: answer.code };
}

/** Redeems a code (RFC 6749 §4.1.3). */
export function exchangeCode(
  call: ProviderCall,
  provider: ProviderClient,
  request: { code: string; redirectUri: string; codeVerifier: string },
): Promise<TokenAnswer> {
  const parameters = {
    code: request.code,
    redirect_uri: request.redirectUri,
    ...(provider.pkce ? { code_verifier: request.codeVerifier } : {}),
  };
  return askTokenEndpoint(call, provider, { grantType: "authorization_code", parameters });
}

/** Refreshes (RFC 6749 §6). */
export function refreshTokens(
  call: ProviderCall,
  provider: ProviderClient,
  refreshToken: string,
): Promise<TokenAnswer> {
  return askTokenEndpoint(call, provider, { grantType: "refresh_token", parameters: { refresh_token: refreshToken } });
}

/**
 * Revokes a token (RFC 7009). Does nothing where the provider has no endpoint for it.
 *
 * @throws ProviderUnreachableError, or Error naming the status of the refusal
 */
export async function revokeToken(
  call: ProviderCall,
  provider: ProviderClient,
  { token, hint }: { token: string; hint: "refresh_token" | "access_token" },
): Promise<void> {
  if (provider.revocationUrl === undefined) return;
  const answer = await revocationRequest(
    serverOf(provider),
    { client_id: provider.clientId },
    clientAuthOf(provider.authentication),
    token,
    { ...requestOptions(call.fetch, "application/json"), additionalParameters: { token_type_hint: hint } },
  );
  if (!answer.ok) throw new Error(`${new URL(provider.revocationUrl).host} answered ${answer.status}`);
}

/**
 * Where the secret may go either way it goes by POST, and by Basic when that is refused as `invalid_client`: RFC 6749 §2.3.1
 * has every provider take Basic, and many take only POST.
 */
async function askTokenEndpoint(
  call: ProviderCall,
  provider: ProviderClient,
  request: TokenEndpointRequest,
): Promise<TokenAnswer> {
  const { authentication, learned } = provider;
  const guessing = learned !== undefined && authentication.method === "client_secret_post";
  const basic = guessing ? { ...authentication, method: "client_secret_basic" as const } : undefined;
  if (basic !== undefined && learned!.basicOnly) {
    return await ask(call, { ...provider, authentication: basic }, request);
  }
  const answer = await ask(call, provider, request);
  if (basic === undefined || answer.kind !== "refused" || answer.error !== "invalid_client") return answer;
  const again = await ask(call, { ...provider, authentication: basic }, request);
  learned!.basicOnly = again.kind === "tokens";
  return again;
}

interface TokenEndpointRequest {
  grantType: string;
  parameters: Record<string, string>;
}

async function ask(
  { fetch, now }: ProviderCall,
  provider: ProviderClient,
  { grantType, parameters }: TokenEndpointRequest,
): Promise<TokenAnswer> {
  const resource: Record<string, string> = provider.resource === undefined ? {} : { resource: provider.resource };
  try {
    const answer = await genericTokenEndpointRequest(
      serverOf(provider),
      { client_id: provider.clientId },
      clientAuthOf(provider.authentication),
      grantType,
      { ...parameters, ...resource },
      requestOptions(fetch, provider.tokenAccept),
    );
    const raw = { status: answer.status, headers: answer.headers, body: await answer.text() };
    return readTokenResponse(raw, now);
  } catch (error) {
    if (error instanceof ProviderUnreachableError) return { kind: "unavailable", reason: printReason(error) };
    throw error;
  }
}

function serverOf(provider: ProviderClient): AuthorizationServer {
  return {
    issuer: provider.issuer ?? provider.tokenUrl,
    token_endpoint: provider.tokenUrl,
    authorization_response_iss_parameter_supported: provider.sendsIssuer,
    ...(provider.revocationUrl === undefined ? {} : { revocation_endpoint: provider.revocationUrl }),
  };
}

function clientAuthOf(authentication: ProviderAuthentication): ClientAuth {
  switch (authentication.method) {
    case "none":
      return None();
    case "client_secret_basic":
      return basicAuthentication(authentication.secret);
    case "client_secret_post":
      return ClientSecretPost(authentication.secret.reveal());
  }
}

/**
 * RFC 6749 §2.3.1 wants id and secret form-encoded. oauth4webapi also encodes `-`, `_` and `.`, which a form leaves alone, and
 * providers that forget to decode then know no client of that name.
 */
function basicAuthentication(secret: Secret): ClientAuth {
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  return (_server, client, _body, headers) => {
    const credentials = `${encode(client.client_id)}:${encode(secret.reveal())}`;
    headers.set("authorization", `Basic ${Buffer.from(credentials).toString("base64")}`);
  };
}

/** Through our own fetch with its limits; which schemes are allowed was decided when the endpoint became known. */
function requestOptions(fetch: ProviderFetch, accept: string) {
  return {
    [allowInsecureRequests]: true,
    [customFetch]: async (
      url: string,
      { headers, body }: { headers: Record<string, string>; body: URLSearchParams },
    ) => {
      const request = { method: "POST", headers: { ...headers, accept }, body: body.toString() } as const;
      const { status, body: text, headers: answered } = await fetch(new URL(url), request);
      return new Response([204, 205, 304].includes(status) ? null : text, { status, headers: answered });
    },
  };
}

function printReason(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

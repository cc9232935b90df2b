// `check`: is the provider there, and does it know us?
import { type ProviderClient, refreshTokens } from "./oauth_client.ts";
import type { Discovery, OpenIdConfiguration } from "./openid_configuration.ts";
import type { CheckResult } from "./provider.ts";
import type { ApiCall } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export async function checkDiscovery(
  discovery: Discovery,
  call: ApiCall,
): Promise<{ result: CheckResult; document?: OpenIdConfiguration }> {
  try {
    const document = await discovery.find(call);
    return { document, result: { probe: "discovery", ok: true, message: `found ${document.issuer}` } };
  } catch (error) {
    return { result: failed("discovery", error, "check issuer (or tenant), and that this machine reaches it") };
  }
}

/** Tries a refresh token that nobody has: a provider that knows us says `invalid_grant`, another `invalid_client`. */
export async function checkTokenEndpoint(client: ProviderClient, call: ApiCall): Promise<CheckResult> {
  const probe = "client credentials";
  const host = new URL(client.tokenUrl).host;
  const answer = await refreshTokens(call, client, "mcp-oauth-proxy-check");
  if (answer.kind === "unavailable") {
    return { probe, ok: false, message: `${host} ${answer.reason}; check that this machine reaches it` };
  }
  const error = answer.kind === "refused" ? answer.error : undefined;
  if (error === "invalid_client" || error === "unauthorized_client" || error === "incorrect_client_credentials") {
    return {
      probe,
      ok: false,
      message: `${host} does not accept client_id and client_secret (${error}); copy them again`,
    };
  }
  return error === "invalid_grant" || error === "bad_refresh_token"
    ? { probe, ok: true, message: `${host} knows client_id and client_secret` }
    : { probe, ok: true, message: `${host} answers; whether it knows client_secret shows at the first sign-in` };
}

/** What went wrong in words, and what to do. */
export function failed(probe: string, error: unknown, advice: string): CheckResult {
  if (!(error instanceof ProviderError)) throw error;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return { probe, ok: false, message: `${error.message}${cause}; ${advice}` };
}

// What the official SDKs ask an application to remember while they do OAuth, in memory.
import type { OAuthClientProvider } from "@modelcontextprotocol/client";

export interface TestOAuthProvider extends OAuthClientProvider {
  /** Where the SDK wants to send the user. */
  authorizationUrl: string | undefined;
  /** The access token that the SDK uses now. */
  accessToken(): string;
}

export function createOAuthProvider(): TestOAuthProvider {
  let client: Awaited<ReturnType<OAuthClientProvider["clientInformation"]>>;
  let tokens: Awaited<ReturnType<OAuthClientProvider["tokens"]>>;
  let discovery: Awaited<ReturnType<NonNullable<OAuthClientProvider["discoveryState"]>>>;
  let verifier = "";
  return {
    authorizationUrl: undefined,
    redirectUrl: "http://127.0.0.1:33418/callback",
    clientMetadata: {
      client_name: "SDK client",
      redirect_uris: ["http://127.0.0.1:33418/callback"],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    state: () => crypto.randomUUID(),
    clientInformation: () => client,
    saveClientInformation: (information) => void (client = information),
    tokens: () => tokens,
    saveTokens: (issued) => void (tokens = issued),
    saveCodeVerifier: (saved) => void (verifier = saved),
    codeVerifier: () => verifier,
    saveDiscoveryState: (found) => void (discovery = found),
    discoveryState: () => discovery,
    redirectToAuthorization(url) {
      this.authorizationUrl = url.href;
    },
    accessToken: () => tokens?.access_token ?? "",
  };
}

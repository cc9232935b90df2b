// Where the provider of a chained resource is known from: the configuration, or discovery.
import type { ChainedOAuthConfig } from "../config/config.ts";
import type { ProviderRegistration } from "../oauth/grant.ts";
import { printScope } from "../oauth/scope.ts";
import type { ProviderClient } from "./oauth_client.ts";

export interface FoundProvider {
  provider: ProviderClient;
  /** Who we are there, where we registered ourselves. */
  registration?: ProviderRegistration;
  /** The `scope` to ask for when the client asked for `requested`; empty: the parameter is left out. */
  scopeFor(requested: readonly string[]): string;
}

export interface ProviderSource {
  /** True where the operator did not write the provider down. */
  readonly discovered: boolean;
  /**
   * For a new sign-in.
   *
   * @throws OAuthError `temporarily_unavailable`, `server_error`; the reason is its cause
   */
  find(now: number): Promise<FoundProvider>;
  /**
   * For a sign-in that has begun, or a credential that it gave.
   *
   * @throws OAuthError as above
   */
  recall(registration: ProviderRegistration | undefined, now: number): Promise<ProviderClient>;
  /** The provider sent a browser back to us, so it knows us. */
  recognised(registration: ProviderRegistration | undefined): void;
  /** The downstream refused a live credential: what we know of its provider may be old. */
  doubt(): void;
  /** True when the downstream, looked at again after a doubt, names another provider than the one that gave the credential. */
  hasMoved(registration: ProviderRegistration | undefined): Promise<boolean>;
  /** The provider said `invalid_client`. True when we will register anew, so that signing in again helps. */
  refused(registration: ProviderRegistration | undefined): Promise<boolean>;
}

/** The provider that the operator wrote down. */
export function configuredProvider(
  config: ChainedOAuthConfig & { provider: NonNullable<ChainedOAuthConfig["provider"]> },
): ProviderSource {
  const { clientSecret, ...written } = config.provider;
  const provider: ProviderClient = {
    ...written,
    sendsIssuer: false,
    tokenAccept: config.tokenAccept,
    learned: { basicOnly: false },
    authentication: clientSecret === undefined
      ? { method: "none" }
      : { method: "client_secret_post", secret: clientSecret },
  };
  const found: FoundProvider = { provider, scopeFor: () => printScope(config.providerScopes) };
  return {
    discovered: false,
    find: () => Promise.resolve(found),
    recall: () => Promise.resolve(provider),
    recognised: () => {},
    doubt: () => {},
    hasMoved: () => Promise.resolve(false),
    refused: () => Promise.resolve(false),
  };
}

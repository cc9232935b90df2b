// Sign-in at a provider for our own pages: only who it is, for this once. No list of who may use what is asked.
import { OAuthError } from "../oauth/errors.ts";
import type { Account } from "../oauth/grant.ts";
import type { Parameters } from "../oauth/parameters.ts";
import type { Provider } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider_error.ts";
import type { Log } from "../telemetry/log.ts";

export interface AccountSignIn {
  /** The providers that some downstream uses, in the order of the configuration. */
  readonly choices: readonly { provider: string; label: string }[];
  /**
   * Where the browser goes.
   *
   * @throws OAuthError `invalid_request`, `temporarily_unavailable`, `server_error`
   */
  begin(
    provider: string,
    options: { redirectUri: string; state: string; now: number },
  ): Promise<{ url: string; memo: unknown }>;
  /**
   * Who came back, with the name that they know themselves by.
   *
   * @throws OAuthError `access_denied`, `temporarily_unavailable`, `server_error`
   */
  finish(
    provider: string,
    memo: unknown,
    answer: { parameters: Parameters; redirectUri: string; now: number },
  ): Promise<{ account: Account; shownAs: string }>;
}

export function accountSignIn(providers: readonly Provider[], log: Log): AccountSignIn {
  function find(name: string): Provider {
    const provider = providers.find((provider) => provider.name === name);
    if (provider === undefined) throw new OAuthError("invalid_request", "signing in there is not offered any more");
    return provider;
  }

  function explain(provider: string, error: unknown): unknown {
    if (!(error instanceof ProviderError)) return error;
    if (error.kind === "refused") {
      return new OAuthError("access_denied", "you were not signed in: it was cancelled, or the account is not let in", {
        cause: error,
      });
    }
    log[error.kind === "unavailable" ? "warning" : "error"](`provider_${error.kind}`, { provider, error });
    return error.kind === "unavailable"
      ? new OAuthError("temporarily_unavailable", "the sign-in provider can't be asked now; try again later", {
        cause: error,
      })
      : new OAuthError("server_error", "the sign-in did not work; the operator's log says why", { cause: error });
  }

  return {
    choices: providers.map(({ name, displayName }) => ({ provider: name, label: displayName })),

    async begin(name, options) {
      const provider = find(name);
      try {
        return await provider.begin({ ...options, once: true });
      } catch (error) {
        throw explain(name, error);
      }
    },

    async finish(name, memo, { parameters, redirectUri, now }) {
      const provider = find(name);
      try {
        const { identity } = await provider.finish(memo, parameters, { redirectUri, now });
        const shownAs = identity.email ?? identity.name ?? identity.subject;
        return { account: { provider: name, subject: identity.subject }, shownAs };
      } catch (error) {
        throw explain(name, error);
      }
    },
  };
}

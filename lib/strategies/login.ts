// Sign in at a provider and be on the list; the token is our own. The facts are asked for again at every refresh, so whoever
// left is out within one access token's life.
import type { LoginConfig, Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Grant, Identity } from "../oauth/grant.ts";
import type { Provider, SignedIn } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider_error.ts";
import type { Log } from "../telemetry/log.ts";
import type { KeptRenewals } from "./kept_renewals.ts";
import { callbackOf } from "../urls.ts";
import { findRefusal } from "./login_rules.ts";
import { narrowGroups } from "./narrow_groups.ts";
import type { Approval, Strategy } from "./strategy.ts";

export interface LoginTools {
  providers: ReadonlyMap<string, Provider>;
  renewals: KeptRenewals;
  log: Log;
}

/** What waits in the flow's cookie while the browser is away. */
interface Memo {
  provider: string;
  memo: unknown;
}

/** When a provider that is down says nothing about how long. */
const defaultRetryAfterSeconds = 5;

export function login(resource: Resource, config: LoginConfig, { providers, renewals, log }: LoginTools): Strategy {
  const offered = config.providers.map((name) => providers.get(name)!);
  const find = (name: string | undefined) => offered.find((provider) => provider.name === name);

  /** A code is good only with the redirect URI that it was asked for with (RFC 6749 §4.1.3). */
  function redirectUriOf({ name }: Provider): string {
    return offered.length === 1 ? resource.urls.callback : callbackOf(resource.urls.callback, name);
  }

  /** What the grant holds of a user who may. @throws OAuthError `access_denied` */
  function admit(provider: string, { identity, renewal }: SignedIn): Approval {
    const reason = findRefusal(config, { provider, identity });
    if (reason !== undefined) throw denied(`${provider} user ${identity.subject}: ${reason}`);
    return {
      identity: publish(provider, identity),
      ...(renewal === undefined ? {} : { renewal: { provider, subject: identity.subject, value: renewal } }),
    };
  }

  /** A no is no failure; everything else is for the operator to look at. */
  function noteFailure(provider: string, error: unknown): void {
    if (!(error instanceof ProviderError) || error.kind === "refused") return;
    const level = error.kind === "unavailable" ? "warning" : "error";
    log[level](`provider_${error.kind}`, { resource: resource.name, provider, error });
  }

  /** `sub` as configured (S2-60). Where there are several providers, one's ids must not pass for another's. */
  function publish(provider: string, identity: Identity): Identity {
    const chosen = config.subject === "username" ? identity.name ?? "" : identity.subject;
    if (chosen.trim() === "") throw denied(`${provider} user ${identity.subject}: the user name is empty`);
    const { groups, left } = narrowGroups(identity.groups ?? [], config.allowedGroups);
    if (left > 0) log.warning("groups_left_out", { resource: resource.name, kept: groups.length, left });
    return {
      ...identity,
      subject: config.providers.length === 1 ? chosen : `${provider}|${chosen}`,
      ...(identity.groups === undefined ? {} : { groups }),
    };
  }

  async function askAgain(provider: Provider, grant: Grant, now: number): Promise<SignedIn> {
    const carried = grant.renewal!.value;
    const used = await renewals.find(grant.id, carried);
    const rotated = (next: string) => renewals.keep(grant.id, carried, { next, now, provider: provider.name });
    return await provider.renew(used, { now, rotated });
  }

  return {
    ...(offered.length === 1 ? {} : {
      providerChoices: offered.map(({ name, displayName }) => ({ value: name, label: displayName })),
    }),

    async begin(_request, form, { state, now }) {
      const provider = offered.length === 1 ? offered[0]! : find(form.provider);
      if (provider === undefined) return { kind: "again", problem: "Choose how you want to sign in." };
      try {
        const { url, memo } = await provider.begin({ redirectUri: redirectUriOf(provider), state, now });
        const kept: Memo = { provider: provider.name, memo };
        return { kind: "redirect", url, memo: kept, ...(offered.length === 1 ? {} : { provider: provider.name }) };
      } catch (error) {
        noteFailure(provider.name, error);
        throw signInFailure(error);
      }
    },

    async finish(_request, kept, answer, now) {
      const { provider: name, memo } = kept as Memo;
      const provider = find(name);
      if (provider === undefined) throw new OAuthError("server_error", "signing in there is not offered any more");
      try {
        const signedIn = await provider.finish(memo, answer, { redirectUri: redirectUriOf(provider), now });
        return { ...admit(name, signedIn), account: { provider: name, subject: signedIn.identity.subject } };
      } catch (error) {
        noteFailure(name, error);
        throw signInFailure(error);
      }
    },

    async renew(grant, now) {
      const { renewal } = grant;
      if (renewal === undefined) throw ended("the provider gave nothing to ask again with");
      const provider = find(renewal.provider);
      if (provider === undefined) throw ended(`provider ${renewal.provider} is not offered any more`);
      try {
        const signedIn = await askAgain(provider, grant, now);
        if (signedIn.identity.subject !== renewal.subject) throw ended("the provider speaks of another user");
        return { ...grant, ...admit(renewal.provider, signedIn) };
      } catch (error) {
        noteFailure(renewal.provider, error);
        throw renewalFailure(error);
      }
    },

    // For the page that ends accesses: it knows a grant by its id only.
    async keep({ id, renewal }, now) {
      if (renewal === undefined || find(renewal.provider)?.revoke === undefined) return;
      const { value, provider } = renewal;
      await renewals.keep(id, value, { next: value, now, provider });
    },

    async revoke({ id, renewal, grantedAt }) {
      const carried = renewal?.value;
      const newest = carried === undefined ? undefined : await renewals.find(id, carried);
      const kept = await renewals.forget(id);
      const [value, name] = [newest ?? kept?.value, renewal?.provider ?? kept?.provider];
      if (value === undefined) return;
      try {
        await find(name)?.revoke?.(value, grantedAt);
      } catch (error) {
        log.warning("provider_revocation_failed", { resource: resource.name, provider: name, grant: id, error });
      }
    },
  };
}

/** The reason goes to the log as the cause; the client learns only that it was a no (S2-36). */
function denied(reason: string): OAuthError {
  return new OAuthError("access_denied", "you may not use this server; ask the person who runs it", { cause: reason });
}

function ended(reason: string): OAuthError {
  return new OAuthError("invalid_grant", "access has ended or could not be confirmed; the user must sign in again", {
    cause: reason,
  });
}

function signInFailure(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  switch (error.kind) {
    case "refused":
      return denied(printReason(error));
    case "unavailable":
      return new OAuthError("temporarily_unavailable", "the sign-in provider can't be asked now; try again later", {
        cause: error,
      });
    case "broken":
      return new OAuthError("server_error", "the sign-in did not work; the operator's log says why", { cause: error });
  }
}

/** Nobody is logged out by anything but a no: what is down or set up wrongly can be mended (503 keeps the refresh token good). */
function renewalFailure(error: unknown): unknown {
  if (error instanceof OAuthError && error.code === "access_denied") return ended(String(error.cause));
  if (!(error instanceof ProviderError)) return error;
  if (error.kind === "refused") return ended(printReason(error));
  return new OAuthError("temporarily_unavailable", "the sign-in provider can't confirm the user now; try again", {
    cause: error,
    retryAfterSeconds: error.retryAfterSeconds ?? defaultRetryAfterSeconds,
  });
}

function printReason({ message, cause }: ProviderError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

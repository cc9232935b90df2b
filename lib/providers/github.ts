// GitHub: plain OAuth, and its REST API for who it is. The numeric id stays; the login can be changed and taken by another.
import { generateRandomCodeVerifier } from "oauth4webapi";
import type { ProviderConfig } from "../config/config.ts";
import type { Identity } from "../oauth/grant.ts";
import { checkTokenEndpoint } from "./check_openid.ts";
import { githubOrganization, type GithubUser } from "./github_organization.ts";
import { githubUrls } from "./github_urls.ts";
import { buildAuthorizationUrl, type ProviderClient } from "./oauth_client.ts";
import type { Provider, SignedIn, WantedFacts } from "./provider.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import type { ProviderFetch } from "./provider_fetch.ts";
import { redeemAnswer, renewTokens } from "./sign_in_tokens.ts";
import type { ProviderTokens } from "./token_response.ts";

/** What travels sealed in the grant. OAuth apps give a token that lasts, GitHub Apps one of eight hours with a refresh token. */
interface Renewal {
  accessToken?: string;
  refreshToken?: string;
}

interface Memo {
  codeVerifier: string;
  once: boolean;
}

export function github(
  config: ProviderConfig,
  { fetch, wanted }: { fetch: ProviderFetch; wanted: WantedFacts },
): Provider {
  const urls = githubUrls(config.apiUrl);
  const client: ProviderClient = {
    issuer: urls.issuer,
    authorizeUrl: `${urls.web}/login/oauth/authorize`,
    tokenUrl: `${urls.web}/login/oauth/access_token`,
    sendsIssuer: false,
    clientId: config.clientId,
    authentication: { method: "client_secret_post", secret: config.clientSecret },
    pkce: true,
    tokenAccept: "application/json",
  };
  const organization = config.organization === undefined ? undefined : githubOrganization({
    name: config.organization,
    clientId: config.clientId,
    privateKey: config.appPrivateKey!,
    urls,
  });

  async function identify(token: string, call: ApiCall): Promise<Identity> {
    const user = await askUser(token, call);
    const email = wanted.email ? await primaryEmail(token, call) : undefined;
    const groups = await organization?.teamsOf(user, call);
    return {
      subject: String(user.id),
      name: user.login,
      ...(email === undefined ? {} : { email }),
      ...(groups === undefined ? {} : { groups }),
    };
  }

  async function askUser(token: string, call: ApiCall): Promise<GithubUser> {
    const answer = await askApi(call, { url: new URL(`${urls.api}/user`), token, headers });
    checkAnswer(answer, "/user");
    const { id, login, suspended_at } = requireObject(answer, "GitHub /user");
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id <= 0) {
      throw new ProviderError("broken", "GitHub /user has no id");
    }
    if (textIn(login) === undefined) throw new ProviderError("refused", "GitHub /user has an empty login");
    if (textIn(suspended_at) !== undefined) throw new ProviderError("refused", "the GitHub account is suspended");
    return { id, login: login as string };
  }

  /** The verified primary address; undefined when there is none, or the app may not read addresses. */
  async function primaryEmail(token: string, call: ApiCall): Promise<string | undefined> {
    const answer = await askApi(call, { url: new URL(`${urls.api}/user/emails?per_page=100`), token, headers });
    if (answer.status !== 404) checkAnswer(answer, "/user/emails", { mayForbid: true });
    if (answer.status === 403 || answer.status === 404) return undefined;
    const list: unknown = requireObject(answer, "GitHub /user/emails");
    if (!Array.isArray(list)) throw new ProviderError("broken", "GitHub /user/emails: the answer is no list");
    const primary = list.find((entry) => entry?.primary === true && entry.verified === true);
    return textIn(primary?.email)?.toLowerCase();
  }

  /** A live access token for an old renewal, and what to keep instead of it. */
  async function refresh(kept: Renewal, call: ApiCall): Promise<ProviderTokens> {
    if (kept.refreshToken === undefined) return { accessToken: kept.accessToken! };
    return await renewTokens(call, client, kept.refreshToken);
  }

  /**
   * Ends this one token: GitHub keeps ten for a user, an app and a scope, and would end the one of an access that is in use.
   * https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
   */
  async function giveBack(token: string, call: ApiCall): Promise<void> {
    const basic = Buffer.from(`${config.clientId}:${config.clientSecret.reveal()}`).toString("base64");
    const url = new URL(`${urls.api}/applications/${encodeURIComponent(config.clientId)}/token`);
    const request = { url, method: "DELETE", body: { access_token: token } } as const;
    try {
      await askApi(call, { ...request, headers: { ...headers, authorization: `Basic ${basic}` } });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error; // the sign-in itself went well; the token is one of the ten then
    }
  }

  async function signedIn(tokens: ProviderTokens, call: ApiCall): Promise<SignedIn> {
    return { identity: await identify(tokens.accessToken, call), renewal: printRenewal(tokens) };
  }

  return {
    name: config.name,
    displayName: config.displayName,

    begin({ redirectUri, state, once = false }) {
      const codeVerifier = generateRandomCodeVerifier();
      const scope = wanted.email ? "user:email" : "";
      const url = new URL(buildAuthorizationUrl(client, { redirectUri, state, scope, codeVerifier }));
      if (once) url.searchParams.set("prompt", "select_account");
      const memo: Memo = { codeVerifier, once };
      return Promise.resolve({ url: url.href, memo });
    },

    async finish(memo, answer, { redirectUri, now }) {
      const call = { fetch, now };
      const { codeVerifier, once } = memo as Memo;
      const tokens = await redeemAnswer(call, client, { answer, redirectUri, codeVerifier });
      if (!once) return await signedIn(tokens, call);
      try {
        return { identity: await identify(tokens.accessToken, call) };
      } finally {
        await giveBack(tokens.accessToken, call);
      }
    },

    async renew(renewal, { now, rotated }) {
      const call = { fetch, now };
      const kept = JSON.parse(renewal) as Renewal;
      const tokens = await refresh(kept, call);
      if (kept.refreshToken !== undefined) await rotated(printRenewal({ refreshToken: kept.refreshToken, ...tokens }));
      return await signedIn({ ...kept, ...tokens }, call);
    },

    async check(now) {
      const call = { fetch, now };
      return [await checkTokenEndpoint(client, call), ...await organization?.check(call) ?? []];
    },
  };
}

const headers = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };

/** 401 says that the token was taken back. 403 says many things, of which only one is a no to the user. */
function checkAnswer({ status, json }: ApiAnswer, path: string, { mayForbid = false } = {}): void {
  if (status === 401) throw new ProviderError("refused", `GitHub ${path} answered 401`);
  if (status !== 403) return;
  const said = textIn(json?.message) ?? "";
  if (/suspended/i.test(said)) throw new ProviderError("refused", "the GitHub account is suspended");
  // Secondary limits don't always come with headers: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
  if (/rate limit|abuse/i.test(said)) {
    throw new ProviderError("unavailable", `GitHub ${path} is limited`, { retryAfterSeconds: 60 });
  }
  if (!mayForbid) throw new ProviderError("broken", `GitHub ${path} answered 403`);
}

/** The access token only where it is all there is: the grant travels in URLs. */
function printRenewal({ accessToken, refreshToken }: ProviderTokens): string {
  const renewal: Renewal = refreshToken === undefined ? { accessToken } : { refreshToken };
  return JSON.stringify(renewal);
}

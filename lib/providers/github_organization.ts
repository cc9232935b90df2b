// Membership of one organization and its teams, read by a GitHub App that is installed there: what a user's own token shows
// depends on what the user allows, this does not.
import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";
import type { Secret } from "../config/secrets.ts";
import { failed } from "./check_openid.ts";
import type { GithubUrls } from "./github_urls.ts";
import type { CheckResult } from "./provider.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export interface GithubUser {
  id: number;
  login: string;
}

export interface GithubOrganization {
  /**
   * Slugs of the user's teams.
   *
   * @throws ProviderError `refused` when the user is no active member
   */
  teamsOf(user: GithubUser, call: ApiCall): Promise<string[]>;
  check(call: ApiCall): Promise<CheckResult[]>;
}

const headers = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
const maxPages = 50;
/** Clocks differ; GitHub refuses an `iat` of the future and a life of more than ten minutes. */
const backdatedSeconds = 60;
const assertionSeconds = 300;
/** Installation tokens live for an hour; a fresh one is taken this long before. */
const marginSeconds = 300;

const teamsQuery = `query ($organization: String!, $login: String!, $after: String) {
  organization(login: $organization) {
    teams(first: 100, userLogins: [$login], after: $after) { nodes { slug } pageInfo { hasNextPage endCursor } }
  }
}`;

export function githubOrganization(
  { name, clientId, privateKey, urls }: { name: string; clientId: string; privateKey: Secret; urls: GithubUrls },
): GithubOrganization {
  const path = encodeURIComponent(name);
  let known: { token: string; goodUntil: number } | undefined;

  async function installationToken(call: ApiCall): Promise<string> {
    if (known !== undefined && call.now < known.goodUntil) return known.token;
    const assertion = await signAssertion(privateKey, { clientId, now: call.now });
    const ask = (path: string, method: "GET" | "POST") =>
      askApi(call, { url: new URL(`${urls.api}${path}`), token: assertion, headers, method });
    const found = await ask(`/orgs/${path}/installation`, "GET");
    if (found.status === 404) throw new ProviderError("broken", `the GitHub App is not installed in ${name}`);
    const { id } = requireObject(found, "GitHub installation");
    if (typeof id !== "number") throw new ProviderError("broken", "GitHub installation has no id");
    const made = requireObject(
      await ask(`/app/installations/${id}/access_tokens`, "POST"),
      "GitHub installation token",
    );
    const token = textIn(made.token);
    if (token === undefined) throw new ProviderError("broken", "GitHub gave the installation no token");
    const expiresAt = Date.parse(textIn(made.expires_at) ?? "") / 1000;
    known = { token, goodUntil: (Number.isFinite(expiresAt) ? expiresAt : call.now + 600) - marginSeconds };
    return token;
  }

  /** As the installation; a token that was taken back early is replaced once. */
  async function ask(call: ApiCall, request: { url: URL; body?: unknown }): Promise<ApiAnswer> {
    const answer = await askApi(call, { ...request, token: await installationToken(call), headers });
    if (answer.status !== 401) return answer;
    known = undefined;
    return await askApi(call, { ...request, token: await installationToken(call), headers });
  }

  async function checkMember(user: GithubUser, call: ApiCall): Promise<void> {
    const url = new URL(`${urls.api}/orgs/${path}/memberships/${encodeURIComponent(user.login)}`);
    const answer = await ask(call, { url });
    if (answer.status === 404) throw new ProviderError("refused", `not a member of the organization ${name}`);
    const { state, user: member } = requireObject(answer, "GitHub membership");
    const { id, suspended_at } = (member ?? {}) as Record<string, unknown>;
    // The login may have changed hands between the two questions.
    if (id !== user.id) throw new ProviderError("refused", `the membership in ${name} is another account's`);
    if (state !== "active") throw new ProviderError("refused", `the membership in ${name} is not active`);
    if (textIn(suspended_at) !== undefined) throw new ProviderError("refused", "the GitHub account is suspended");
  }

  async function askTeams(login: string, after: string | undefined, call: ApiCall) {
    const variables = { organization: name, login, ...(after === undefined ? {} : { after }) };
    const answer = await ask(call, { url: new URL(urls.graphql), body: { query: teamsQuery, variables } });
    return readTeams(requireObject(answer, "GitHub teams"));
  }

  return {
    async teamsOf(user, call) {
      await checkMember(user, call);
      const slugs: string[] = [];
      let after: string | undefined;
      for (let page = 0; page < maxPages; page++) {
        const teams = await askTeams(user.login, after, call);
        slugs.push(...teams.slugs);
        if (teams.next === undefined) return slugs;
        after = teams.next;
      }
      throw new ProviderError("broken", `the user is in more than ${maxPages * 100} teams`);
    },

    async check(call) {
      const probe = "organization";
      try {
        await askTeams("octocat", undefined, call);
        return [{ probe, ok: true, message: `the GitHub App may read members and teams of ${name}` }];
      } catch (error) {
        const advice =
          `install the app in ${name} with the organization permission "Members: read", and check app_private_key_file`;
        return [failed(probe, error, advice)];
      }
    },
  };
}

/** GraphQL says 200 to everything; a spent limit has its own type. */
function readTeams({ data, errors }: Record<string, unknown>): { slugs: string[]; next: string | undefined } {
  const problems = Array.isArray(errors) ? errors : [];
  if (problems.some((problem) => problem?.type === "RATE_LIMITED" || problem?.type === "RATE_LIMIT")) {
    throw new ProviderError("unavailable", "GitHub's GraphQL limit is spent");
  }
  const teams = (data as { organization?: { teams?: unknown } } | undefined)?.organization?.teams as
    | { nodes?: unknown; pageInfo?: { hasNextPage?: unknown; endCursor?: unknown } }
    | undefined;
  if (problems.length > 0 || !Array.isArray(teams?.nodes)) {
    throw new ProviderError(
      "broken",
      "GitHub teams can't be read: the app needs the organization permission Members: read",
    );
  }
  const slugs = teams.nodes.map((node) => textIn(node?.slug)).filter((slug) => slug !== undefined);
  const next = teams.pageInfo?.hasNextPage === true ? textIn(teams.pageInfo.endCursor) : undefined;
  return { slugs, next };
}

async function signAssertion(
  privateKey: Secret,
  { clientId, now }: { clientId: string; now: number },
): Promise<string> {
  let key;
  try {
    key = createPrivateKey(privateKey.reveal()); // PKCS #1 too, which is what GitHub gives
  } catch {
    throw new ProviderError("broken", "app_private_key_file holds no private key in PEM"); // the error would quote it
  }
  return await new SignJWT({ iss: clientId, iat: now - backdatedSeconds, exp: now + assertionSeconds })
    .setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key);
}

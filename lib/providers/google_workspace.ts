// Google Workspace, asked by a service account with domain-wide delegation: is the account alive, and in which groups?
// https://developers.google.com/workspace/admin/directory/v1/guides
import { failed } from "./check_openid.ts";
import type { ServiceAccount } from "./google_service_account.ts";
import type { CheckResult } from "./provider.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export interface GoogleWorkspace {
  /**
   * The addresses of the user's groups.
   *
   * @throws ProviderError `refused` when the account is suspended, archived or deleted
   */
  groupsOf(email: string, call: ApiCall): Promise<string[]>;
  check(call: ApiCall): Promise<CheckResult[]>;
}

interface Asked {
  token: string;
  call: ApiCall;
}

const scope = "https://www.googleapis.com/auth/admin.directory.user.readonly " +
  "https://www.googleapis.com/auth/admin.directory.group.readonly";
/** 200 groups a page is Google's limit. */
const maxPages = 50;
/** Google says 403 for these too (Directory API: "Usage limits"). */
const busyReasons = /rateLimitExceeded|userRateLimitExceeded|quotaExceeded|dailyLimitExceeded/i;

/** @param options.adminEmail whom the service account acts for; absent: the user who signs in */
export function googleWorkspace(
  account: ServiceAccount,
  { apiUrl = "https://admin.googleapis.com", adminEmail }: { apiUrl?: string; adminEmail?: string },
): GoogleWorkspace {
  async function ask(path: string, query: Record<string, string>, { token, call }: Asked): Promise<ApiAnswer> {
    const url = new URL(`${apiUrl.replace(/\/$/, "")}/admin/directory/v1/${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await askApi(call, { url, token });
    if (answer.status === 403) throw forbidden(answer, url);
    return answer;
  }

  async function checkAlive(email: string, asked: Asked): Promise<void> {
    const answer = await ask(`users/${encodeURIComponent(email)}`, {}, asked);
    if (answer.status === 404) throw new ProviderError("refused", "the Workspace account does not exist any more");
    const { suspended, archived, deletionTime } = requireDirectoryAnswer(answer, "users.get");
    const state = suspended === true
      ? "suspended"
      : archived === true
      ? "archived"
      : textIn(deletionTime) === undefined
      ? undefined
      : "deleted";
    if (state !== undefined) throw new ProviderError("refused", `the Workspace account is ${state}`);
  }

  return {
    async groupsOf(email, call) {
      const asked = { token: await account.tokenFor(adminEmail ?? email, scope, call), call };
      await checkAlive(email, asked);
      const groups: string[] = [];
      let pageToken: string | undefined;
      for (let page = 0; page < maxPages; page++) {
        const query = { userKey: email, maxResults: "200", ...(pageToken === undefined ? {} : { pageToken }) };
        const list = requireDirectoryAnswer(await ask("groups", query, asked), "groups.list");
        groups.push(...emailsIn(list.groups));
        pageToken = textIn(list.nextPageToken);
        if (pageToken === undefined) return groups;
      }
      throw new ProviderError("broken", `the user is in more than ${maxPages * 200} groups`);
    },

    async check(call) {
      const probe = "workspace groups";
      try {
        const address = await account.trySigning(call);
        if (adminEmail === undefined) {
          return [{ probe, ok: true, message: `may sign as ${address}, in the name of each user who signs in` }];
        }
        const asked = { token: await account.tokenFor(adminEmail, scope, call), call };
        await checkAlive(adminEmail, asked);
        requireDirectoryAnswer(await ask("groups", { userKey: adminEmail, maxResults: "1" }, asked), "groups.list");
        return [{ probe, ok: true, message: `${address} may read users and groups as ${adminEmail}` }];
      } catch (error) {
        return [failed(probe, error, "until then nobody from Workspace can sign in")];
      }
    },
  };
}

function requireDirectoryAnswer(answer: ApiAnswer, what: string): Record<string, unknown> {
  return requireObject(answer, `Directory API ${what}`);
}

/** A limit, an API that is off, or somebody who may not read. */
function forbidden({ json }: ApiAnswer, url: URL): ProviderError {
  const said = JSON.stringify(json ?? "");
  if (busyReasons.test(said)) {
    return new ProviderError("unavailable", `${url.host} says that a usage limit is reached`);
  }
  const facts = url.pathname.includes("/users/") ? "users" : "groups";
  const what = /accessNotConfigured|SERVICE_DISABLED/.test(said)
    ? "the Admin SDK API is off; enable admin.googleapis.com in the service account's project"
    : `the user in whose name it is asked may not read ${facts}; write an admin_email whose role may read both`;
  return new ProviderError("broken", `${url.host} answered 403: ${what}`);
}

function emailsIn(groups: unknown): string[] {
  if (!Array.isArray(groups)) return []; // absent when there are none
  return groups.map((group) => textIn(group?.email)?.toLowerCase()).filter((email) => email !== undefined);
}

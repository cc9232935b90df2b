// Google Workspace, asked by a service account with domain-wide delegation: is the account alive, and in which groups?
// https://developers.google.com/workspace/admin/directory/v1/guides, https://developers.google.com/identity/protocols/oauth2/service-account
import { randomUUID } from "node:crypto";
import { importPKCS8, SignJWT } from "jose";
import type { Secret } from "../config/secrets.ts";
import { isLoopbackHost } from "../config/url_rules.ts";
import { failed } from "./check_openid.ts";
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

interface ServiceAccount {
  clientEmail: string;
  privateKey: string;
  tokenUrl: string;
}

const scope = "https://www.googleapis.com/auth/admin.directory.user.readonly " +
  "https://www.googleapis.com/auth/admin.directory.group.readonly";
/** 200 groups a page is Google's limit. */
const maxPages = 50;
/** Google says 403 for these too (Directory API: "Usage limits"). */
const busyReasons = /rateLimitExceeded|userRateLimitExceeded|quotaExceeded|dailyLimitExceeded/i;

/**
 * @param key        the JSON that Google gives for a service account
 * @param adminEmail whom the service account acts for; absent: the user who signs in
 */
export function googleWorkspace(
  key: Secret,
  { apiUrl = "https://admin.googleapis.com", adminEmail }: { apiUrl?: string; adminEmail?: string },
): GoogleWorkspace {
  async function accessToken(subject: string, call: ApiCall): Promise<string> {
    const account = parseServiceAccount(key);
    const assertion = await signAssertion(account, { subject, now: call.now });
    const url = new URL(account.tokenUrl);
    const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
    const answer = await askApi({
      ...call,
      fetch: (url, request) => call.fetch(url, { ...request, body: new URLSearchParams(grant).toString() }),
    }, { url, post: true, headers: { "content-type": "application/x-www-form-urlencoded" } });
    const token = textIn(requireObject(answer, `${url.host} token of the service account`).access_token);
    if (token === undefined) throw new ProviderError("broken", `${url.host} gave the service account no token`);
    return token;
  }

  async function ask(path: string, query: Record<string, string>, { token, call }: { token: string; call: ApiCall }) {
    const url = new URL(`${apiUrl.replace(/\/$/, "")}/admin/directory/v1/${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const answer = await askApi(call, { url, token });
    if (answer.status === 403 && busyReasons.test(JSON.stringify(answer.json ?? ""))) {
      throw new ProviderError("unavailable", `${url.host} says that a usage limit is reached`);
    }
    return answer;
  }

  async function checkAlive(email: string, asked: { token: string; call: ApiCall }): Promise<void> {
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
      const asked = { token: await accessToken(adminEmail ?? email, call), call };
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
      const advice =
        "check service_account_file, and that its client id has domain-wide delegation for the two read-only Directory scopes";
      try {
        await signAssertion(parseServiceAccount(key), { subject: "check", now: call.now });
        if (adminEmail === undefined) {
          return [{
            probe,
            ok: true,
            message: "the key is readable; it is used in the name of each user who signs in",
          }];
        }
        const asked = { token: await accessToken(adminEmail, call), call };
        requireDirectoryAnswer(await ask("groups", { userKey: adminEmail, maxResults: "1" }, asked), "groups.list");
        return [{ probe, ok: true, message: `may read groups as ${adminEmail}` }];
      } catch (error) {
        return [failed(probe, error, advice)];
      }
    },
  };
}

function requireDirectoryAnswer(answer: ApiAnswer, what: string): Record<string, unknown> {
  return requireObject(answer, `Directory API ${what}`);
}

function emailsIn(groups: unknown): string[] {
  if (!Array.isArray(groups)) return []; // absent when there are none
  return groups.map((group) => textIn(group?.email)?.toLowerCase()).filter((email) => email !== undefined);
}

/** @throws ProviderError `broken` when the key is not what Google gives for a service account */
function parseServiceAccount(key: Secret): ServiceAccount {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(key.reveal());
  } catch {
    throw new ProviderError("broken", "service_account_file is not JSON"); // the parser's words would quote the key
  }
  const [clientEmail, privateKey] = [textIn(json?.client_email), textIn(json?.private_key)];
  const tokenUrl = textIn(json?.token_uri) ?? "https://oauth2.googleapis.com/token";
  if (clientEmail === undefined || privateKey === undefined) {
    throw new ProviderError("broken", "service_account_file has no client_email or no private_key");
  }
  const url = URL.canParse(tokenUrl) ? new URL(tokenUrl) : undefined;
  if (url?.protocol !== "https:" && !(url?.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new ProviderError("broken", "token_uri in service_account_file is not an https URL");
  }
  return { clientEmail, privateKey, tokenUrl };
}

async function signAssertion(
  { clientEmail, privateKey, tokenUrl }: ServiceAccount,
  { subject, now }: { subject: string; now: number },
): Promise<string> {
  let key;
  try {
    key = await importPKCS8(privateKey, "RS256");
  } catch {
    throw new ProviderError("broken", "private_key in service_account_file is no PKCS #8 key");
  }
  const claims = { iss: clientEmail, sub: subject, aud: tokenUrl, scope, iat: now, nbf: now, exp: now + 60 };
  return await new SignJWT({ ...claims, jti: randomUUID() }).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key);
}

// Signing for a service account without having its key: Google keeps the key and asks who wants it.
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts
import type { JWTPayload } from "jose";
import { isServiceAccount } from "../config/provider_schema.ts";
import { type ApiAnswer, type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

/** What a token has to be good for to be used here. */
export const cloudScope = "https://www.googleapis.com/auth/cloud-platform";

const host = "iamcredentials.googleapis.com";
const role = "roles/iam.serviceAccountTokenCreator";

interface Caller {
  /** Access token of who asks. */
  token: string;
  /** Accounts in between, each of which may sign for the next. */
  delegates: readonly string[];
}

/** @throws ProviderError `broken` naming the permission that is missing; `unavailable` */
export async function signAs(
  account: string,
  claims: JWTPayload,
  { caller, call }: { caller: Caller; call: ApiCall },
): Promise<string> {
  const answer = await ask(account, "signJwt", { body: { payload: JSON.stringify(claims) }, caller, call });
  const signed = textIn(answer.signedJwt);
  if (signed === undefined) throw new ProviderError("broken", `${host} signed nothing`);
  return signed;
}

/** An access token of `account` for `cloudScope`. @throws ProviderError as `signAs` */
export async function impersonate(
  account: string,
  { caller, call }: { caller: Caller; call: ApiCall },
): Promise<string> {
  const answer = await ask(account, "generateAccessToken", { body: { scope: [cloudScope] }, caller, call });
  const token = textIn(answer.accessToken);
  if (token === undefined) throw new ProviderError("broken", `${host} gave no access token`);
  return token;
}

/**
 * The account in a `service_account_impersonation_url`. A token goes to that URL, so it has to be exactly Google's.
 *
 * @throws ProviderError `broken`
 */
export function parseImpersonationUrl(url: unknown): string {
  const pattern =
    /^https:\/\/iamcredentials\.googleapis\.com\/v1\/projects\/-\/serviceAccounts\/([^/:]{1,200}):generateAccessToken$/;
  const account = pattern.exec(textIn(url) ?? "")?.[1];
  if (account !== undefined && isServiceAccount(account)) return account;
  throw new ProviderError(
    "broken",
    `service_account_impersonation_url in service_account_file is not https://${host}/v1/projects/-/serviceAccounts/ACCOUNT:generateAccessToken`,
  );
}

async function ask(
  account: string,
  method: "signJwt" | "generateAccessToken",
  { body, caller, call }: { body: Record<string, unknown>; caller: Caller; call: ApiCall },
): Promise<Record<string, unknown>> {
  const { token } = caller;
  const url = new URL(`https://${host}/v1/projects/-/serviceAccounts/${account}:${method}`);
  const chain = caller.delegates.map((delegate) => `projects/-/serviceAccounts/${delegate}`);
  const delegates = chain.length === 0 ? {} : { delegates: chain };
  const answer = await askApi(call, { url, token, body: { ...body, ...delegates } });
  if (answer.status === 403) throw forbidden(answer, account, method);
  if (answer.status === 404) throw new ProviderError("broken", `there is no service account ${account}`);
  return requireObject(answer, `${host} ${method}`);
}

/** Google says 403 for three things that are mended in three places; its `ErrorInfo` tells which (https://google.aip.dev/193). */
function forbidden({ json }: ApiAnswer, account: string, method: string): ProviderError {
  const { reason, permission } = errorInfo(json);
  const needed = permission ?? `iam.serviceAccounts.${method === "signJwt" ? "signJwt" : "getAccessToken"}`;
  const what = reason === "SERVICE_DISABLED"
    ? `the IAM Service Account Credentials API is off; enable ${host} in the project`
    : reason === "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    ? "this machine's token lacks a scope; give the machine the access scope cloud-platform"
    : `permission ${needed} is missing; grant ${role} on ${account} to the account that asks, even where it is the same`;
  return new ProviderError("broken", `${host} ${method} answered 403: ${what}`);
}

function errorInfo(json: ApiAnswer["json"]): { reason: string | undefined; permission: string | undefined } {
  const details = (json?.error as { details?: unknown } | undefined)?.details;
  const info = Array.isArray(details) ? details.find((one) => textIn(one?.reason) !== undefined) : undefined;
  const permission = textIn(info?.metadata?.permission);
  return {
    reason: textIn(info?.reason),
    permission: permission !== undefined && /^[a-zA-Z.]{1,80}$/.test(permission) ? permission : undefined,
  };
}

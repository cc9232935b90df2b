// Workload identity federation: another cloud's, or a cluster's, token for one of Google's (RFC 8693).
// https://google.aip.dev/auth/4117. The sources are a file and a URL; AWS signatures and programs are not read.
import { readFile } from "node:fs/promises";
import { tokenIn } from "./google_assertion.ts";
import { cloudScope, impersonate, parseImpersonationUrl } from "./google_iam.ts";
import { type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";
import { ProviderUnreachableError } from "./provider_fetch.ts";
import type { RawAnswer } from "./token_response.ts";

type Table = Record<string, unknown>;

/**
 * The token of the account that the configuration impersonates.
 *
 * @param file JSON of type `external_account`
 * @throws ProviderError
 */
export async function federatedToken(file: Table, call: ApiCall): Promise<string> {
  const account = parseImpersonationUrl(file.service_account_impersonation_url);
  const url = stsUrl(file.token_url);
  const form = {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: textIn(file.audience) ?? "",
    scope: cloudScope,
    subject_token_type: textIn(file.subject_token_type) ?? "urn:ietf:params:oauth:token-type:jwt",
    subject_token: await subjectToken(asTable(file.credential_source), call),
  };
  const answer = await askApi(call, { url, form });
  if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
    throw new ProviderError(
      "broken",
      `${url.host} answered ${answer.status}: it does not take the token of credential_source; check audience in service_account_file, and the issuer and conditions of the workload identity pool`,
    );
  }
  const token = tokenIn(requireObject(answer, `${url.host} token exchange`), url);
  return await impersonate(account, { caller: { token, delegates: [] }, call });
}

/** The token that somebody else gave to this machine, read at each use: it lives for minutes. */
async function subjectToken(source: Table, call: ApiCall): Promise<string> {
  const [file, url] = [textIn(source.file), textIn(source.url)];
  const text = file !== undefined
    ? await readTokenFile(file)
    : url !== undefined && source.environment_id === undefined
    ? await askSource(url, source, call)
    : undefined;
  if (text === undefined) {
    throw new ProviderError("broken", "credential_source in service_account_file names neither a file nor a url");
  }
  const { type, subject_token_field_name: field } = asTable(source.format);
  const token = type === "json" ? fieldOf(text, textIn(field) ?? "access_token") : textIn(text.trim());
  if (token === undefined) throw new ProviderError("broken", "credential_source gave no token");
  return token;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new ProviderError("broken", `can't read ${path}, the file of credential_source`, { cause });
  }
}

async function askSource(url: string, { headers }: Table, call: ApiCall): Promise<string> {
  if (!URL.canParse(url)) throw new ProviderError("broken", "the url of credential_source is none");
  const sent = Object.entries(asTable(headers)).map(([name, value]) => [name, String(value)]);
  const answer = await askText(new URL(url), Object.fromEntries(sent), call);
  if (answer.status !== 200) {
    throw new ProviderError("broken", `${new URL(url).host}, the url of credential_source, answered ${answer.status}`);
  }
  return answer.body;
}

async function askText(url: URL, headers: Record<string, string>, { fetch }: ApiCall): Promise<RawAnswer> {
  try {
    return await fetch(url, { method: "GET", headers });
  } catch (error) {
    if (!(error instanceof ProviderUnreachableError)) throw error;
    throw new ProviderError("unavailable", `${error.message} (credential_source)`, { cause: error.cause });
  }
}

function fieldOf(text: string, field: string): string | undefined {
  try {
    return textIn(asTable(JSON.parse(text))[field]);
  } catch {
    return undefined; // the caller says that there is none; the text may be a secret
  }
}

/** A token of this machine goes there. */
function stsUrl(url: unknown): URL {
  const text = textIn(url) ?? "https://sts.googleapis.com/v1/token";
  if (/^https:\/\/sts(\.[a-z0-9-]+(\.rep)?)?\.googleapis\.com\/v1\/token$/.test(text)) return new URL(text);
  throw new ProviderError("broken", "token_url in service_account_file is not https://sts.googleapis.com/v1/token");
}

function asTable(value: unknown): Table {
  return typeof value === "object" && value !== null ? value as Table : {};
}

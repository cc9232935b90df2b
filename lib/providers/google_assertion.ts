// A service account's word for what it wants, and the access token that Google gives for it (RFC 7523):
// https://developers.google.com/identity/protocols/oauth2/service-account#httprest
import { randomUUID } from "node:crypto";
import { importPKCS8, type JWTPayload, SignJWT } from "jose";
import { type ApiCall, askApi, requireObject, textIn } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export const googleTokenUrl = "https://oauth2.googleapis.com/token";

export interface Assertion {
  /** The service account's address. */
  account: string;
  /** Space-separated. */
  scope: string;
  /** The user in whose name it acts (domain-wide delegation); absent: in its own. */
  subject?: string;
}

export function buildAssertion(
  { account, scope, subject }: Assertion,
  { tokenUrl, now }: { tokenUrl: string; now: number },
): JWTPayload {
  return {
    iss: account,
    ...(subject === undefined ? {} : { sub: subject }),
    aud: tokenUrl,
    scope,
    iat: now,
    nbf: now,
    exp: now + 60,
    jti: randomUUID(),
  };
}

/** @param privateKey PEM of `service_account_file`. @throws ProviderError `broken` */
export async function signWithKey(claims: JWTPayload, privateKey: string): Promise<string> {
  let key;
  try {
    key = await importPKCS8(privateKey, "RS256");
  } catch {
    throw new ProviderError("broken", "private_key in service_account_file is no PKCS #8 key");
  }
  return await new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key);
}

/** @throws ProviderError `broken` with what Google wants to be set up; `unavailable` */
export async function redeemAssertion(
  call: ApiCall,
  { account, subject }: Assertion,
  { tokenUrl, signed }: { tokenUrl: string; signed: string },
): Promise<string> {
  const url = new URL(tokenUrl);
  const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: signed };
  const answer = await askApi(call, { url, form });
  if (answer.status === 401 && answer.json?.error === "unauthorized_client" && subject !== undefined) {
    throw new ProviderError(
      "broken",
      `${url.host} answered unauthorized_client: ${account} has no domain-wide delegation for the two read-only Directory scopes; add its client id at admin.google.com (docs/providers.md)`,
    );
  }
  if (answer.status === 400 && answer.json?.error === "invalid_grant") {
    throw new ProviderError(
      "broken",
      subject === undefined
        ? `${url.host} answered invalid_grant to ${account}: its key was deleted or the clock of this machine is wrong`
        : `${url.host} answered invalid_grant: ${account} can't act for that user, who may be none of the Workspace; check admin_email and the clock of this machine`,
    );
  }
  return tokenIn(requireObject(answer, `${url.host} token of the service account`), url);
}

/** The `access_token` of an answer. @throws ProviderError `broken` */
export function tokenIn(answer: Record<string, unknown>, url: URL): string {
  const token = textIn(answer.access_token);
  if (token === undefined) throw new ProviderError("broken", `${url.host} gave the service account no token`);
  return token;
}

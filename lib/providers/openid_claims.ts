// What the claims of an OpenID provider say about a person (OpenID Connect Core 1.0 §5.1); groups as products spell them.
import type { Identity } from "../oauth/grant.ts";
import { textIn } from "./provider_api.ts";

export type ClaimSet = Readonly<Record<string, unknown>>;

/** `sub`, the user name, the verified email, the groups. */
export function identityFromClaims(claims: ClaimSet & { sub: string }): Identity {
  const email = verifiedEmail(claims);
  const name = textIn(claims.preferred_username) ?? email;
  const groups = groupsIn(claims);
  return {
    subject: claims.sub,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(groups === undefined ? {} : { groups }),
  };
}

/** The email only when the provider vouches for it; Cognito writes the flag as text. */
export function verifiedEmail({ email, email_verified }: ClaimSet): string | undefined {
  return email_verified === true || email_verified === "true" ? textIn(email) : undefined;
}

/**
 * Groups: `groups` (Keycloak, Okta, Authentik, Pocket ID, Dex), `cognito:groups`, or a claim whose name is a URL that ends in
 * `/groups` (Auth0 wants custom claims to be named so). undefined when no such claim is there.
 */
export function groupsIn(claims: ClaimSet): string[] | undefined {
  const name = ["groups", "cognito:groups"].find((name) => claims[name] !== undefined) ??
    Object.keys(claims).find((name) => /^https:\/\/\S+\/groups$/.test(name));
  const value = name === undefined ? undefined : claims[name];
  if (typeof value === "string") return value === "" ? [] : [value];
  return Array.isArray(value) ? value.filter((group) => typeof group === "string" && group !== "") : undefined;
}

/** ID Token and UserInfo together; where both speak of something, the signed one counts. */
export function joinClaims<T extends ClaimSet>(idToken: T, userinfo: ClaimSet): T & ClaimSet {
  const { email_verified, ...rest } = userinfo;
  // `email_verified` belongs to the email beside it.
  const isSameEmail = idToken.email === undefined || idToken.email === userinfo.email;
  return { ...rest, ...(isSameEmail && email_verified !== undefined ? { email_verified } : {}), ...idToken };
}

// Our JWT (RFC 9068), where the downstream or a reverse proxy is meant to read it: strategy login.
import { randomUUID } from "node:crypto";
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import type { Resource } from "../config/config.ts";
import type { Grant } from "../oauth/grant.ts";
import { parseScope, printScope } from "../oauth/scope.ts";
import type { Access } from "./access_token.ts";
import type { SigningKeys } from "./signing_keys.ts";

/** Signs `at+jwt`; `aud` holds the resource, and the issuer for downstreams that knew seed 2's audience. */
export function signJwt(
  keys: SigningKeys,
  { grant, resource, scope, issuedAt, expiresAt }: {
    grant: Grant;
    resource: Resource;
    scope: readonly string[];
    issuedAt: number;
    expiresAt: number;
  },
): Promise<string> {
  const key = keys.current();
  const { subject, name, email, groups } = grant.identity ?? { subject: "" };
  const claims = {
    iss: resource.urls.issuer,
    sub: subject,
    aud: [...new Set([resource.urls.resource, resource.urls.issuer])],
    exp: expiresAt,
    nbf: issuedAt,
    iat: issuedAt,
    jti: randomUUID(),
    client_id: grant.clientId,
    grant_id: grant.id,
    scope: printScope(scope),
    scopes: scope,
    groups: groups ?? [],
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
  };
  return new SignJWT(claims).setProtectedHeader({ alg: key.alg, typ: "at+jwt", kid: key.kid }).sign(key.privateKey);
}

/** What a JWT of ours says; undefined when it is not ours, was changed, has expired, or is for another resource. */
export async function verifyJwt(
  keys: SigningKeys,
  { token, resource, now }: { token: string; resource: Resource; now: number },
): Promise<Access | undefined> {
  try {
    const key = keys.find(decodeProtectedHeader(token).kid ?? "");
    if (key === undefined) return undefined;
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.alg],
      typ: "at+jwt",
      issuer: resource.urls.issuer,
      audience: resource.urls.resource,
      currentDate: new Date(now * 1000),
      requiredClaims: ["exp", "sub", "jti", "client_id", "grant_id"],
    });
    const claims = payload as Record<string, unknown> & { exp: number };
    return {
      tokenId: String(claims.jti),
      grantId: String(claims.grant_id),
      clientId: String(claims.client_id),
      resource: resource.urls.resource,
      scope: parseScope(String(claims.scope ?? "")),
      expiresAt: claims.exp,
      identity: {
        subject: String(claims.sub),
        ...(typeof claims.name === "string" ? { name: claims.name } : {}),
        ...(typeof claims.email === "string" ? { email: claims.email } : {}),
        groups: Array.isArray(claims.groups) ? claims.groups.map(String) : [],
      },
    };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined; // not a JWT, or not a good one
    throw error;
  }
}

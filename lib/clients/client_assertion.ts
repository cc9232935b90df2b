// `private_key_jwt`: a client proves itself with a signed assertion (RFC 7523 §2.2 and §3, OpenID Connect Core §9).
import { createHash } from "node:crypto";
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import { OAuthError } from "../oauth/errors.ts";
import { acceptedSignatures } from "../oauth/signature_algorithms.ts";
import { type Store, StoreUnavailableError } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Client, Clients } from "./client.ts";

export interface ClientAssertionTools {
  clients: Clients;
  store: Store;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

const maxAssertionLength = 8_192;
const maxLifetimeSeconds = 600;
const clockToleranceSeconds = 60;

/** The client that an assertion claims to be from; not verified. Undefined when it can't be read. */
export function readAssertionSubject(assertion: string): string | undefined {
  if (assertion.length > maxAssertionLength) return undefined;
  try {
    return decodeJwt(assertion).sub;
  } catch {
    return undefined; // no JWT: there is nobody to look for
  }
}

/**
 * Checks signature, issuer, subject, audience, life and single use of an assertion.
 *
 * @param audiences what may stand in `aud`: the issuer and the URL of the endpoint
 * @throws OAuthError `invalid_client`, which never tells more than the client knows itself
 */
export async function checkClientAssertion(
  tools: ClientAssertionTools,
  client: Client,
  { assertion, audiences }: { assertion: string; audiences: readonly string[] },
): Promise<void> {
  if (assertion.length > maxAssertionLength) throw refused(`is longer than ${maxAssertionLength} characters`);
  const payload = await verify(tools, client, assertion);
  checkAudience(payload, audiences);
  const now = tools.now();
  if (payload.exp! > now + maxLifetimeSeconds + clockToleranceSeconds) {
    throw refused(`must expire within ${maxLifetimeSeconds} seconds`);
  }
  await claim(tools, client, payload);
}

/** A key that our copy of the client's keys does not have may be new: then, and only then, they are fetched again. */
async function verify(tools: ClientAssertionTools, client: Client, assertion: string): Promise<JWTPayload> {
  const check = (keys: JSONWebKeySet) => verifyWith(keys, { assertion, clientId: client.clientId, now: tools.now() });
  try {
    return await check(await tools.clients.keysOf(client)).catch(async (error) => {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return check(await tools.clients.keysOf(client, { refresh: true }));
    });
  } catch (error) {
    throw error instanceof OAuthError ? error : refused(whatIsWrong(error), error);
  }
}

interface Expected {
  assertion: string;
  clientId: string;
  now: number;
}

async function verifyWith(keys: JSONWebKeySet, { assertion, clientId, now }: Expected): Promise<JWTPayload> {
  const options = {
    algorithms: [...acceptedSignatures],
    issuer: clientId,
    subject: clientId,
    requiredClaims: ["iss", "sub", "aud", "exp", "jti"],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(now * 1000),
  };
  try {
    return (await jwtVerify(assertion, createLocalJWKSet(keys), options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // Without a `kid` several keys may fit; one of them has to verify.
    for await (const key of error) {
      try {
        return (await jwtVerify(assertion, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** One audience only, and that us: an assertion that is good for somebody else too could be replayed by them (RFC 7523bis §4). */
function checkAudience({ aud }: JWTPayload, audiences: readonly string[]): void {
  const named = typeof aud === "string" ? [aud] : aud ?? [];
  if (named.length !== 1 || !audiences.includes(named[0]!)) {
    throw refused(`must have one aud, ${audiences.map((audience) => JSON.stringify(audience)).join(" or ")}`);
  }
}

/** RFC 7523 §3 item 7: an assertion works once. Without the store, what it accompanies still does. */
async function claim({ store, log }: ClientAssertionTools, client: Client, { jti, exp }: JWTPayload): Promise<void> {
  if (typeof jti !== "string" || jti === "") throw refused("must have a jti");
  const key = `assertion:${createHash("sha256").update(JSON.stringify([client.clientId, jti])).digest("base64url")}`;
  try {
    const taken = await store.putIfAbsent(key, "1", Math.ceil(exp!) + clockToleranceSeconds);
    if (taken !== undefined) throw refused("was already used; sign a new one with another jti");
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    log.warning("assertion_not_claimed", { client_id: client.clientId, error });
  }
}

function whatIsWrong(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "is expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === "nbf"
      ? "is not valid yet"
      : `has no ${error.claim} that fits: iss and sub must be the client_id, exp and jti must be there`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return `must be signed with one of ${acceptedSignatures.join(", ")}`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return "is signed with a key that is not among the client's keys";
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "has a signature that does not verify with the client's keys";
  }
  return "can't be verified; it must be a JWT signed with one of the client's keys";
}

function refused(what: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_client", `client_assertion ${what}`, { cause });
}

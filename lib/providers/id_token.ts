// The checks of an ID Token (OpenID Connect Core 1.0 §3.1.3.7).
import { createHash } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { acceptedSignatures } from "../oauth/signature_algorithms.ts";
import { ProviderError } from "./provider_error.ts";

export type Claims = JWTPayload & { sub: string };

export interface IdTokenCheck {
  keys: JWTVerifyGetKey;
  /** The only `iss` that is good; Entra's depends on the tenant in the claims. */
  issuerFor(claims: JWTPayload): string;
  clientId: string;
  /** As sent with the authorization request; absent after a refresh (§12.2). */
  nonce?: string;
  /** Compared with `at_hash` where the token has one. */
  accessToken: string;
  now: number;
}

/** What clocks may differ by. */
const toleranceSeconds = 60;

/**
 * The claims of a good ID Token.
 *
 * @throws ProviderError `broken`; nothing of the token may be used then
 */
export async function verifyIdToken(idToken: string, check: IdTokenCheck): Promise<Claims> {
  const { payload, protectedHeader } = await verifySignature(idToken, check);
  const { sub, iss, azp, aud, iat, nonce, at_hash } = payload;
  checkThat(typeof sub === "string" && sub !== "" && sub.length <= 255, "sub is missing");
  checkThat(iss === check.issuerFor(payload), "iss is another issuer");
  // §3.1.3.7 3.-5.: among several audiences the token has to say that it was made for us.
  checkThat(
    azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === check.clientId,
    "azp is another client",
  );
  checkThat(typeof iat === "number" && iat <= check.now + toleranceSeconds, "iat is in the future");
  checkThat(check.nonce === undefined || nonce === check.nonce, "nonce is not the one we sent");
  checkThat(
    at_hash === undefined || at_hash === accessTokenHash(check.accessToken, protectedHeader.alg),
    "at_hash does not belong to the access token",
  );
  return payload as Claims;
}

async function verifySignature(idToken: string, { keys, clientId, now }: IdTokenCheck) {
  try {
    return await jwtVerify(idToken, keys, {
      algorithms: [...acceptedSignatures],
      audience: clientId,
      clockTolerance: toleranceSeconds,
      currentDate: new Date(now * 1000),
      requiredClaims: ["iss", "sub", "aud", "exp", "iat"],
    });
  } catch (error) {
    // jose's words name claims and keys, never their values.
    if (error instanceof errors.JOSEError) {
      throw new ProviderError("broken", `the ID token is not acceptable: ${error.message}`);
    }
    throw error;
  }
}

function checkThat(condition: boolean, problem: string): void {
  if (!condition) throw new ProviderError("broken", `the ID token is not acceptable: ${problem}`);
}

/** The left half of the hash that the signature uses (§3.1.3.6). */
function accessTokenHash(accessToken: string, alg: string): string {
  const hash = alg.startsWith("Ed") || alg.endsWith("512") ? "sha512" : alg.endsWith("384") ? "sha384" : "sha256";
  const digest = createHash(hash).update(accessToken).digest();
  return digest.subarray(0, digest.length / 2).toString("base64url");
}

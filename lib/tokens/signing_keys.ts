// The keys that sign our JWTs. They follow from the state secret, one for each rotation period, so that replicas and restarts
// agree without storage (D5); or one fixed key from a file.
import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto";
import type { JWK } from "jose";
import type { Secret } from "../config/secrets.ts";

export interface SigningKey {
  kid: string;
  alg: "ES256" | "RS256" | "EdDSA";
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** As published: public members, `kid`, `alg`, `use`. */
  jwk: JWK;
}

export interface SigningKeys {
  /** Signs now. */
  current(): SigningKey;
  /** The key of that id while its tokens may live; undefined for any other. */
  find(kid: string): SigningKey | undefined;
  /** RFC 7517 §5: previous, current and next keys, so that a cached set knows the key that signs tomorrow. */
  jwks(): { keys: JWK[] };
}

export interface SigningKeysOptions {
  /** State secrets, the current one first. */
  secrets: readonly Secret[];
  rotationSeconds: number;
  /** How long a token lives: a key is known for that long after it signed last. */
  tokenTtlSeconds: number;
  now: () => number;
}

/** ES256 keys derived from the state secret. */
export function createDerivedKeys({ secrets, rotationSeconds, tokenTtlSeconds, now }: SigningKeysOptions): SigningKeys {
  const ring = secrets.map((secret) => Buffer.from(secret.reveal(), "base64"));
  const periodsBack = Math.ceil(tokenTtlSeconds / rotationSeconds);
  let known: { period: number; byName: Map<string, SigningKey>; byKid: Map<string, SigningKey> } | undefined;

  const nameOf = (secretIndex: number, period: number) => `${secretIndex} ${period}`;

  /** Derived once a period: deriving takes long, and whoever sends a token has the keys looked through. */
  function live(): NonNullable<typeof known> {
    const period = Math.floor(now() / rotationSeconds);
    if (known?.period === period) return known;
    const byName = new Map<string, SigningKey>();
    for (const [secretIndex, secret] of ring.entries()) {
      for (let each = period - periodsBack; each <= period + 1; each++) {
        const name = nameOf(secretIndex, each);
        byName.set(name, known?.byName.get(name) ?? deriveKey(secret, `signing key ${rotationSeconds} ${each}`));
      }
    }
    return known = { period, byName, byKid: new Map([...byName.values()].map((key) => [key.kid, key])) };
  }

  return {
    current() {
      const { byName, period } = live();
      return byName.get(nameOf(0, period))!;
    },
    find: (kid) => live().byKid.get(kid),
    jwks: () => ({ keys: [...live().byName.values()].map((key) => key.jwk) }),
  };
}

/**
 * One fixed RSA, EC P-256 or Ed25519 key.
 *
 * @param pem PKCS#8, SEC 1 or PKCS#1
 * @throws TypeError for any other kind of key
 */
export function createFixedKey(pem: Secret): SigningKeys {
  const privateKey = createPrivateKey(pem.reveal());
  const alg = algorithmOf(privateKey);
  const key = signingKey(privateKey, alg);
  return {
    current: () => key,
    find: (kid) => kid === key.kid ? key : undefined,
    jwks: () => ({ keys: [key.jwk] }),
  };
}

function algorithmOf(key: KeyObject): SigningKey["alg"] {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === "rsa" && (details?.modulusLength ?? 0) >= 2048) return "RS256";
  if (key.asymmetricKeyType === "ec" && details?.namedCurve === "prime256v1") return "ES256";
  if (key.asymmetricKeyType === "ed25519") return "EdDSA";
  throw new TypeError(
    "tokens.private_key_file must hold an RSA key of 2048 bits or more, an EC P-256 key or an Ed25519 key",
  );
}

function signingKey(privateKey: KeyObject, alg: SigningKey["alg"]): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const publicJwk = publicKey.export({ format: "jwk" }) as JWK;
  const kid = thumbprint(publicJwk);
  return { kid, alg, privateKey, publicKey, jwk: { ...publicJwk, kid, alg, use: "sig" } };
}

/** RFC 7638 §3: SHA-256 over the required members in lexicographic order. */
function thumbprint(jwk: JWK): string {
  const names = { EC: ["crv", "kty", "x", "y"], OKP: ["crv", "kty", "x"], RSA: ["e", "kty", "n"] }[jwk.kty as "EC"];
  const required = Object.fromEntries(names.map((name) => [name, jwk[name as keyof JWK]]));
  return createHash("sha256").update(JSON.stringify(required)).digest("base64url");
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A P-256 key whose scalar follows from the secret (FIPS 186-5 A.2.1: extra random bits, reduced). */
function deriveKey(secret: Uint8Array, info: string): SigningKey {
  const bits = Buffer.from(hkdfSync("sha256", secret, "mcp-oauth-proxy", info, 48));
  const scalar = BigInt(`0x${bits.toString("hex")}`) % (p256Order - 1n) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex");
  const ecdh = createECDH("prime256v1");
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const part = (from: number) => point.subarray(from, from + 32).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", d: d.toString("base64url"), x: part(1), y: part(33) };
  return signingKey(createPrivateKey({ key: jwk, format: "jwk" }), "ES256");
}

// Sealed values: JWE compact serialisation (RFC 7516), `dir` with A256GCM, one derived key per purpose, a ring of keys for
// rotation. node:crypto instead of jose here, because opening a token is on the hot path and this is several times
// cheaper; test/tokens/seal.test.ts holds both against each other.
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import type { Secret } from "../config/secrets.ts";
import { freshBytes } from "./random_id.ts";

/** One key is derived per purpose, so a value sealed for one can't be opened as another. Part of the wire format: never rename. */
export type SealPurpose =
  | "authorization"
  | "authorization code"
  | "access token"
  | "refresh token"
  | "refresh answer"
  | "client id"
  | "downstream endpoint"
  | "flow"
  | "consent"
  | "connected apps"
  | "connected app"
  | "apps sign-in"
  | "apps session"
  | "provider registration"
  | "provider tokens";

export interface Sealer {
  /** JSON value to a JWE compact string; `expiresAt` (seconds since the epoch) is kept inside. */
  seal(purpose: SealPurpose, value: unknown, expiresAt?: number): string;
  /** The same value always gives the same string under the same key: for ids that must be idempotent. */
  sealDeterministic(purpose: SealPurpose, value: unknown): string;
  /** The value; `expired` when it was ours but is past its expiry; undefined when it is not ours, was sealed for another purpose, or was changed. */
  open(purpose: SealPurpose, sealed: string): Opened | "expired" | undefined;
  /** Whether the value is sealed with another than the current secret: one that is to outlive the next rotation is sealed anew. */
  isOutdated(purpose: SealPurpose, sealed: string): boolean;
  /** A secret that follows from `id`: the same for every replica with the same state secret. 43 base64url characters. */
  derive(label: string, id: string): string;
}

export interface Opened {
  value: unknown;
  expiresAt?: number;
}

interface PurposeKey {
  encryption: Uint8Array;
  iv: Uint8Array;
  /** Encoded protected headers, without and with compression. */
  header: string;
  zippedHeader: string;
}

/** Payloads from here on are compressed: provider tokens of 4 KB have to fit into headers of 8 KB. */
const zipFromBytes = 1024;

/** Loaded when the first long value comes by: 4 MB of resident memory on Bun 1.4.5 that most processes never need. */
const zlib = () => process.getBuiltinModule("node:zlib");

/**
 * A sealer over a ring of state secrets: the first seals, all open.
 *
 * @param secrets base64 text, 32 bytes or more each; the current one first
 * @param retired open nothing but client_ids. Clients keep those for ever, and who can forge one has what registering gives to anybody
 */
export function createSealer(secrets: readonly Secret[], now: () => number, retired: readonly Secret[] = []): Sealer {
  const bytesOf = (secret: Secret) => Buffer.from(secret.reveal(), "base64");
  const ring = secrets.map(bytesOf);
  const clientIdRing = [...ring, ...retired.map(bytesOf)];
  const keysByPurpose = new Map<SealPurpose, PurposeKey[]>();

  function keysFor(purpose: SealPurpose): PurposeKey[] {
    let keys = keysByPurpose.get(purpose);
    if (keys === undefined) {
      const secrets = purpose === "client id" ? clientIdRing : ring;
      keysByPurpose.set(purpose, keys = secrets.map((secret) => deriveKey(secret, purpose)));
    }
    return keys;
  }

  function write(purpose: SealPurpose, value: unknown, expiresAt: number | undefined, deterministic: boolean): string {
    const key = keysFor(purpose)[0]!;
    const plain = Buffer.from(JSON.stringify({ v: value, ...(expiresAt === undefined ? {} : { exp: expiresAt }) }));
    const zipped = plain.length >= zipFromBytes;
    const header = zipped ? key.zippedHeader : key.header;
    const encrypted = zipped ? zlib().deflateRawSync(plain) : plain;
    // Of what is encrypted: another zlib writes the same value otherwise, and two texts under one IV would give the key away that
    // authenticates (NIST SP 800-38D §8).
    const iv = Buffer.from(
      deterministic ? createHmac("sha256", key.iv).update(encrypted).digest().subarray(0, 12) : freshBytes(12),
    );
    const cipher = createCipheriv("aes-256-gcm", key.encryption, iv).setAAD(Buffer.from(header));
    const text = cipher.update(encrypted);
    const rest = cipher.final();
    const cipherText = rest.length === 0 ? text : Buffer.concat([text, rest]);
    return `${header}..${iv.toString("base64url")}.${cipherText.toString("base64url")}.${
      cipher.getAuthTag().toString("base64url")
    }`;
  }

  return {
    seal: (purpose, value, expiresAt) => write(purpose, value, expiresAt, false),
    sealDeterministic: (purpose, value) => write(purpose, value, undefined, true),
    open(purpose, sealed) {
      const [header = "", encryptedKey, iv = "", cipherText = "", tag = "", more] = sealed.split(".");
      if (encryptedKey !== "" || more !== undefined) return undefined;
      const key = keysFor(purpose).find((key) => key.header === header || key.zippedHeader === header);
      if (key === undefined) return undefined;
      const plain = decrypt(key, header, { iv, cipherText, tag });
      if (plain === undefined) return undefined;
      const { v: value, exp: expiresAt } = JSON.parse(
        (header === key.zippedHeader ? zlib().inflateRawSync(plain) : plain).toString(),
      );
      return expiresAt !== undefined && expiresAt <= now() ? "expired" : { value, expiresAt };
    },
    isOutdated(purpose, sealed) {
      const [{ header, zippedHeader }] = keysFor(purpose) as [PurposeKey];
      return !sealed.startsWith(`${header}.`) && !sealed.startsWith(`${zippedHeader}.`);
    },
    derive: (label, id) =>
      createHmac("sha256", deriveBytes(ring[0]!, `derive ${label}`)).update(id).digest("base64url"),
  };
}

function decrypt(
  key: PurposeKey,
  header: string,
  parts: { iv: string; cipherText: string; tag: string },
): Buffer | undefined {
  const iv = canonicalBase64Url(parts.iv);
  const cipherText = canonicalBase64Url(parts.cipherText);
  const tag = canonicalBase64Url(parts.tag);
  if (iv?.length !== 12 || tag?.length !== 16 || cipherText === undefined) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key.encryption, iv, { authTagLength: 16 })
    .setAAD(Buffer.from(header)).setAuthTag(tag);
  const text = decipher.update(cipherText);
  try {
    const rest = decipher.final();
    return rest.length === 0 ? text : Buffer.concat([text, rest]);
  } catch {
    return undefined; // the tag does not match: not ours, or changed
  }
}

/** Only the one spelling that we write: otherwise the unused bits of a last character would make a second token with the same meaning. */
function canonicalBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function deriveKey(secret: Uint8Array, purpose: SealPurpose): PurposeKey {
  const encryption = deriveBytes(secret, `seal ${purpose}`);
  const kid = createHash("sha256").update(encryption).digest("base64url").slice(0, 8);
  const header = { alg: "dir", enc: "A256GCM", kid };
  return {
    encryption,
    iv: deriveBytes(secret, `iv ${purpose}`),
    header: encodeHeader(header),
    zippedHeader: encodeHeader({ ...header, zip: "DEF" }),
  };
}

/** 32 bytes by HKDF-SHA256 (RFC 5869). */
function deriveBytes(secret: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "mcp-oauth-proxy", info, 32));
}

function encodeHeader(header: Record<string, string>): string {
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}

/**
 * The JWS algorithms that we accept from others (RFC 7518 §3.1, RFC 9864). Asymmetric only: with an HMAC the public key, or the
 * client's secret, would be enough to sign; and `none` is no signature.
 */
export const acceptedSignatures: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

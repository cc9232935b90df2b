// GET /.well-known/jwks.json and /openid/v1/jwks (RFC 7517 §5).
import type { SigningKeys } from "./signing_keys.ts";

/** Cacheable for much less than a rotation period; the next key is in the set before it signs. */
export function jwksAnswer(keys: SigningKeys): Response {
  return Response.json(keys.jwks(), {
    headers: { "cache-control": "public, max-age=300", "access-control-allow-origin": "*" },
  });
}

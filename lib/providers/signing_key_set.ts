// The keys an OpenID provider signs with (RFC 7517), remembered; asked again when a token names a key that is not among them,
// but not more often than every half minute, so that forged tokens can't make us flood the provider.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { type ApiCall, askApi, requireObject } from "./provider_api.ts";
import { ProviderError } from "./provider_error.ts";

export interface SigningKeySet {
  /** For jose's `jwtVerify`. @throws ProviderError, or jose's `JWKSNoMatchingKey` */
  keysAt(url: string, call: ApiCall): JWTVerifyGetKey;
}

const lifetimeSeconds = 3600;
const restSeconds = 30;

export function createSigningKeySet(): SigningKeySet {
  let known: { find: ReturnType<typeof createLocalJWKSet>; url: string; fetchedAt: number } | undefined;

  async function load(url: string, call: ApiCall): Promise<NonNullable<typeof known>> {
    const json = requireObject(await askApi(call, { url: new URL(url) }), `${new URL(url).host} keys`);
    try {
      const find = createLocalJWKSet(json as unknown as JSONWebKeySet);
      return known = { find, url, fetchedAt: call.now };
    } catch (cause) {
      throw new ProviderError("broken", `${url} is no JWK Set`, { cause });
    }
  }

  async function current(url: string, call: ApiCall): Promise<NonNullable<typeof known>> {
    if (known?.url !== url) return await load(url, call);
    if (call.now < known.fetchedAt + lifetimeSeconds) return known;
    const stale = known;
    try {
      return await load(url, call);
    } catch (error) {
      if (error instanceof ProviderError && error.kind === "unavailable") return stale;
      throw error;
    }
  }

  return {
    keysAt: (url, call) => async (header, token) => {
      const keys = await current(url, call);
      try {
        return await keys.find(header, token);
      } catch (error) {
        const mayHaveRotated = error instanceof errors.JWKSNoMatchingKey && call.now >= keys.fetchedAt + restSeconds;
        if (!mayHaveRotated) throw error;
        return await (await load(url, call)).find(header, token);
      }
    },
  };
}

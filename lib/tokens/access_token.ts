// The access token: issued for one resource, verified at that resource only. Where it holds the downstream's credential it is
// sealed, so that a client can't look inside; where we are the authority (login) it is a signed JWT.
import type { Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Grant, Identity } from "../oauth/grant.ts";
import type { Revocations } from "../store/revocations.ts";
import { signJwt, verifyJwt } from "./jwt_access_token.ts";
import { createOpenedTokens } from "./opened_tokens.ts";
import { randomId } from "./random_id.ts";
import type { Sealer } from "./seal.ts";
import type { SigningKeys } from "./signing_keys.ts";

/** What a verified access token says. */
export interface Access {
  tokenId: string;
  grantId: string;
  clientId: string;
  /** Canonical URI of the only resource it is good for. */
  resource: string;
  scope: readonly string[];
  /** Seconds since the epoch. */
  expiresAt: number;
  identity?: Identity;
  /** The bare value for the downstream; absent where the token itself goes downstream. */
  credential?: string;
}

export interface AccessTokens {
  /** An access token for `grant`, narrowed to `scope`. */
  issue(grant: Grant, resource: Resource, options: { scope: readonly string[]; expiresAt: number }): Promise<string>;
  /** @throws OAuthError `invalid_token` when it is not ours, changed, expired, revoked, or for another resource */
  verify(token: string, resource: Resource): Promise<Access>;
  /**
   * The same at once, for a token that was verified a moment ago, as most were; undefined where `verify` has to find out.
   *
   * @throws OAuthError `invalid_token`
   */
  verifyKnown(token: string, resource: Resource): Access | undefined;
  /** The access in `token`; undefined when it is none of ours for this resource, or has expired. */
  find(token: string, resource: Resource): Promise<Access | undefined>;
}

/** Issues and verifies, with a bounded memory of the tokens that were opened before. */
export function createAccessTokens(tools: {
  sealer: Sealer;
  keys: SigningKeys;
  revocations: Revocations;
  now: () => number;
}): AccessTokens {
  const { sealer, keys, revocations, now } = tools;
  const opened = createOpenedTokens({ maxEntries: 5_000 });

  function openSealed(token: string, resource: Resource): Access | undefined {
    const found = sealer.open("access token", token);
    if (found === undefined || found === "expired") return undefined;
    const access: Access = { ...found.value as Omit<Access, "expiresAt">, expiresAt: found.expiresAt! };
    return access.resource === resource.urls.resource ? access : undefined;
  }

  async function find(token: string, resource: Resource): Promise<Access | undefined> {
    if (resource.strategy.kind === "login") return await verifyJwt(keys, { token, resource, now: now() });
    // D8: seed 1's wire token, where the operator wants it: the bearer text is the credential, and nobody can verify it here.
    if (resource.rawAccessTokens) return rawAccess(token, resource);
    return openSealed(token, resource);
  }

  async function verifyNew(token: string, resource: Resource): Promise<Access> {
    const access = await find(token, resource);
    if (access === undefined) throw notValid();
    if (!resource.rawAccessTokens) opened.set(token, access);
    checkUse(access, resource);
    return await checkRevocation(access);
  }

  function checkUse(access: Access, resource: Resource): void {
    if (access.expiresAt <= now()) throw notValid();
    if (access.resource !== resource.urls.resource) {
      throw new OAuthError("invalid_token", "the access token was issued for another resource");
    }
  }

  async function checkRevocation(access: Access): Promise<Access> {
    if (await revocations.isRevoked(access.grantId) || await revocations.isRevoked(access.tokenId)) {
      throw new OAuthError("invalid_token", "the access token was revoked");
    }
    return access;
  }

  return {
    find,
    async issue(grant, resource, { scope, expiresAt }) {
      if (resource.strategy.kind === "login") {
        return await signJwt(keys, { grant, resource, scope, issuedAt: now(), expiresAt });
      }
      if (resource.rawAccessTokens) return grant.credential!.value;
      const access: Omit<Access, "expiresAt"> = {
        tokenId: randomId(),
        grantId: grant.id,
        clientId: grant.clientId,
        resource: grant.resource,
        scope,
        ...(grant.identity === undefined ? {} : { identity: grant.identity }),
        ...(grant.credential === undefined ? {} : { credential: grant.credential.value }),
      };
      return sealer.seal("access token", access, expiresAt);
    },
    async verify(token, resource) {
      const access = opened.get(token);
      if (access === undefined) return await verifyNew(token, resource);
      checkUse(access, resource);
      return await checkRevocation(access);
    },
    verifyKnown(token, resource) {
      const access = opened.get(token);
      if (access === undefined) return undefined;
      checkUse(access, resource);
      return revocations.isKnownGood(access.grantId) && revocations.isKnownGood(access.tokenId) ? access : undefined;
    },
  };
}

function notValid(): OAuthError {
  return new OAuthError("invalid_token", "the access token is not valid for this resource, or has expired");
}

function rawAccess(token: string, resource: Resource): Access {
  const unknown = { tokenId: "raw", grantId: "raw", clientId: "raw", scope: resource.scopes };
  return { ...unknown, resource: resource.urls.resource, expiresAt: Infinity, credential: token };
}

// The access token: issued for one resource, verified at that resource only. It holds the downstream's credential, so it is
// sealed; a client can't look inside.
import type { Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Grant, Identity } from "../oauth/grant.ts";
import { createOpenedTokens } from "./opened_tokens.ts";
import { randomId } from "./random_id.ts";
import type { Sealer } from "./seal.ts";

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
  /** The bare value for the downstream. */
  credential?: string;
}

export interface AccessTokens {
  /** An access token for `grant`, narrowed to `scope`. */
  issue(grant: Grant, options: { scope: readonly string[]; expiresAt: number }): string;
  /** @throws OAuthError `invalid_token` when it is not ours, changed, expired, or for another resource */
  verify(token: string, resource: Resource): Promise<Access>;
  /** The access in `text` for whatever resource; undefined when it is none of ours or has expired. */
  find(text: string): Access | undefined;
}

/** Sealed access tokens, with a bounded memory of those that were opened before. */
export function createAccessTokens(tools: { sealer: Sealer; now: () => number }): AccessTokens {
  const opened = createOpenedTokens({ maxEntries: 5_000 });

  function find(text: string): Access | undefined {
    const found = tools.sealer.open("access token", text);
    if (found === undefined || found === "expired") return undefined;
    return { ...found.value as Omit<Access, "expiresAt">, expiresAt: found.expiresAt! };
  }

  return {
    find,
    issue(grant, { scope, expiresAt }) {
      const access: Omit<Access, "expiresAt"> = {
        tokenId: randomId(),
        grantId: grant.id,
        clientId: grant.clientId,
        resource: grant.resource,
        scope,
        ...(grant.identity === undefined ? {} : { identity: grant.identity }),
        ...(grant.credential === undefined ? {} : { credential: grant.credential.value }),
      };
      return tools.sealer.seal("access token", access, expiresAt);
    },
    verify(token, resource) {
      let access = opened.get(token);
      if (access === undefined) {
        access = find(token);
        if (access !== undefined) opened.set(token, access);
      }
      if (access === undefined || access.expiresAt <= tools.now()) {
        return Promise.reject(new OAuthError("invalid_token", "the access token is not valid or has expired"));
      }
      if (access.resource !== resource.urls.resource) {
        return Promise.reject(new OAuthError("invalid_token", "the access token was issued for another resource"));
      }
      return Promise.resolve(access);
    },
  };
}

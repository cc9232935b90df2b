// What a user approved, and what it opens.

/** A person as a provider knows them. `subject` is stable and never reused; the rest is for showing and for rules. */
export interface Identity {
  subject: string;
  name?: string;
  /** Only when the provider says that it is verified. */
  email?: string;
  groups?: readonly string[];
}

/** What goes downstream in a header, and what it takes to renew it. */
export interface Credential {
  /** The pasted key, or the provider's access token: the bare value without a scheme. */
  value: string;
  /** Seconds since the epoch; absent when it does not expire as far as we know. */
  expiresAt?: number;
  /** The provider's refresh token, when it gave one. */
  refreshToken?: string;
}

/** What the user approved: carried sealed in the code and in the refresh token, never stored in clear. */
export interface Grant {
  /** 22 base64url characters; names the grant in the store (revocation) and in the log. */
  id: string;
  clientId: string;
  /** The resource's canonical URI (RFC 8707): the audience of every token of this grant. */
  resource: string;
  scope: readonly string[];
  /** Seconds since the epoch. */
  grantedAt: number;
  /** Who approved; only where a provider told us. */
  identity?: Identity;
  /** What the downstream accepts; absent where our own JWT goes downstream. */
  credential?: Credential;
}

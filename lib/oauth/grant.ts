// What a user approved, and what it opens.

/** A person as a provider knows them. `subject` is stable and never reused; the rest is for showing and for rules. */
export interface Identity {
  subject: string;
  name?: string;
  /** Only when the provider says that it is verified. */
  email?: string;
  groups?: readonly string[];
}

/** Somebody at a sign-in provider, whatever `sub` shows of them. */
export interface Account {
  /** The provider's name in the configuration. */
  provider: string;
  /** The provider's own id of the user: stable and never reused. */
  subject: string;
}

/** What goes downstream in a header, and what it takes to renew it. */
export interface Credential {
  /** The pasted key, or the provider's access token: the bare value without a scheme. */
  value: string;
  /** Seconds since the epoch; absent when it does not expire as far as we know. */
  expiresAt?: number;
  /** The provider's refresh token, when it gave one. */
  refreshToken?: string;
  /** Who we are at the provider that gave it; absent where the configuration says so. */
  registration?: ProviderRegistration;
  /** How many refreshes it is old; tells the newer of two. Absent: none. */
  generation?: number;
}

/**
 * Who we are at a provider that was discovered. It travels with the credential, because a refresh token is good only for the
 * client that it was issued to, and a restart forgets what only memory knew.
 */
export interface ProviderRegistration {
  /** The provider's issuer identifier: client ids are unique per issuer (RFC 6749 §2.2). */
  issuer: string;
  /** What the tokens are for (RFC 8707). */
  resource: string;
  clientId: string;
  clientSecret?: string;
  method: "none" | "client_secret_post" | "client_secret_basic";
}

/** What it takes to ask a sign-in provider for today's facts about the user. */
export interface Renewal extends Account {
  /** The provider's refresh token or what it has instead. */
  value: string;
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
  /** Where the user signed in; only with strategy login. */
  renewal?: Renewal;
}

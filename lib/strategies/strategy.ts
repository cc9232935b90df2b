// How a resource gets the credential that its downstream accepts.
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import type { Account, Credential, Grant, Identity, Renewal } from "../oauth/grant.ts";
import type { Parameters } from "../oauth/parameters.ts";

/** What a strategy adds to an approved request; the grant is made of both. */
export interface Approval {
  credential?: Credential;
  identity?: Identity;
  renewal?: Renewal;
  /** Who approved, where a sign-in provider told us. Not part of the grant: it is for finding the grant again. */
  account?: Account;
  /** When the provider granted less (or more) than was asked; absent: what was asked. */
  scope?: readonly string[];
}

/** What comes after the user's yes. */
export type Begun =
  /** Nothing more is needed. */
  | { kind: "granted"; approval: Approval }
  /** The form is shown again with `problem` beside the field. */
  | { kind: "again"; problem: string }
  /**
   * The browser goes to a provider; `memo` comes back to `finish`, sealed in the flow's cookie meanwhile. `provider` is the last
   * part of the redirect URI where the resource has one for each of its providers: the answer has to arrive there.
   */
  | { kind: "redirect"; url: string; memo: unknown; provider?: string };

/** What `begin` needs to send the browser away. */
export interface BeginOptions {
  /** The `state` for the provider: short, single use, bound to this browser by the caller. */
  state: string;
  now: number;
}

/** As much of a verified access token as a strategy needs; `Access` has it all. */
export interface CredentialUse {
  grantId: string;
  credential?: string;
}

/** A grant that has ended, with what whoever ended it knows of its tokens. */
export type EndedGrant = Pick<Grant, "id" | "grantedAt" | "credential" | "renewal">;

export interface Strategy {
  /** What the page asks for besides the yes; absent: nothing. */
  readonly keyField?: { hint: string };
  /** Ways to go on, of which the form's `provider` names one; absent: nothing to choose. */
  readonly providerChoices?: readonly { value: string; label: string }[];
  /** True where scopes are words of a provider that is discovered: what a client asks for is passed on, not narrowed. */
  readonly openScopes?: boolean;
  /** After the user's yes. `form` is what the page's form sent. */
  begin(request: AuthorizationRequest, form: Parameters, options: BeginOptions): Promise<Begun>;
  /**
   * The provider sent the browser back.
   *
   * @throws OAuthError `access_denied`, `server_error`, `temporarily_unavailable`; sent to the client by redirect
   */
  finish(request: AuthorizationRequest, memo: unknown, answer: Parameters, now: number): Promise<Approval>;
  /**
   * At a refresh: the same grant with a live credential and today's facts about the user.
   *
   * @throws OAuthError `invalid_grant` when access has ended, `temporarily_unavailable` when nobody could say
   */
  renew(grant: Grant, now: number): Promise<Grant>;
  /**
   * The client has redeemed its code: the grant lives from now on. For what has to be kept besides what the tokens carry;
   * never throws for a store that is down.
   */
  keep?(grant: Grant, now: number): Promise<void>;
  /**
   * What goes downstream for a live access token when that is newer than what the token carries; asked before every request,
   * so it looks at memory only.
   */
  current?(access: CredentialUse): string | undefined;
  /**
   * The downstream answered 401 to `refused`, the credential of a live access token. Gives the credential to try once more;
   * undefined when the client has to be challenged. Never throws.
   */
  replace?(access: CredentialUse, refused: string, now: number): Promise<string | undefined>;
  /** The grant has ended (RFC 7009): told to the provider where it has an endpoint. Best effort; failures are logged. */
  revoke?(grant: EndedGrant): Promise<void>;
}

// Who signs users in. One shape for all: where the browser goes, what its answer says, and the same facts again later.
import type { Identity } from "../oauth/grant.ts";
import type { Parameters } from "../oauth/parameters.ts";

export interface SignedIn {
  /** `subject` is the provider's stable id, `name` the user name as the provider shows it. */
  identity: Identity;
  /** What it takes to ask for the same facts later; absent when the provider gave nothing for that. A secret. */
  renewal?: string;
}

export interface Provider {
  /** The table's name in the configuration. */
  readonly name: string;
  readonly displayName: string;
  /**
   * Where the browser goes, and what `finish` needs back.
   *
   * @param options.once only who it is counts, now: nothing that lasts is asked for, and the user may choose the account anew.
   *   Providers end the oldest of a user's lasting tokens when there are too many.
   * @throws ProviderError
   */
  begin(
    options: { redirectUri: string; state: string; now: number; once?: boolean },
  ): Promise<{ url: string; memo: unknown }>;
  /**
   * Who came back. `answer` is the query of the callback; its `state` was checked.
   *
   * @throws ProviderError
   */
  finish(memo: unknown, answer: Parameters, options: { redirectUri: string; now: number }): Promise<SignedIn>;
  /**
   * Today's facts about the same user. Whoever left, was suspended or lost access is `refused`.
   *
   * @param options.rotated called before anything else can fail, when `renewal` was spent for a new one
   * @throws ProviderError
   */
  renew(
    renewal: string,
    options: { now: number; rotated: (renewal: string) => Promise<void> },
  ): Promise<SignedIn>;
  /**
   * Ends at the provider what `renewal` can ask with (RFC 7009); absent where that is not wanted.
   *
   * @throws Error when the provider can't be asked or refuses
   */
  revoke?(renewal: string, now: number): Promise<void>;
  /** What the operator should know before users do: one line per thing that was tried. Never throws. */
  check(now: number): Promise<CheckResult[]>;
}

/** What the rules of the configuration need to know of a user: only that is asked for. */
export interface WantedFacts {
  email: boolean;
  groups: boolean;
}

export interface CheckResult {
  /** What was tried, such as `discovery`. */
  probe: string;
  ok: boolean;
  /** What was found; when not ok, what to do about it. */
  message: string;
}

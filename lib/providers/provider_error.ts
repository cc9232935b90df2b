// Why a provider did not say who somebody is: three kinds, because each has another consequence.

export type ProviderErrorKind =
  /** The provider, or a fact that it told, says no to this user. Ends access. */
  | "refused"
  /** Nobody could say: down, too busy, on the way. Ends nothing. */
  | "unavailable"
  /** An answer that must not be trusted, or a configuration that the provider does not accept. Ends nothing; the operator has to look. */
  | "broken";

/** The message is for the operator's log: it names hosts, statuses and error codes, never a token, a secret or a provider's free text. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly kind: ProviderErrorKind;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: ProviderErrorKind,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.kind = kind;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

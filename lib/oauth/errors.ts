// The error codes of the RFCs we speak, each with the status it travels with.

const statusOf = {
  // RFC 6749 §4.1.2.1 and §5.2
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  invalid_scope: 400,
  access_denied: 403,
  server_error: 500,
  temporarily_unavailable: 503,
  // RFC 8707 §2
  invalid_target: 400,
  // RFC 7591 §3.2.2
  invalid_redirect_uri: 400,
  invalid_client_metadata: 400,
  // RFC 6750 §3.1
  invalid_token: 401,
  insufficient_scope: 403,
} as const;

export type OAuthErrorCode = keyof typeof statusOf;

export interface OAuthErrorOptions {
  /** What happened inside; logged, never sent. */
  cause?: unknown;
  /** Overrides the code's usual status, for example 413 for a body that is too large. */
  status?: number;
  /** Seconds after which the same request may succeed; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** The scopes that the request needs; sent in the challenge of `insufficient_scope`. */
  scope?: readonly string[];
  /** For the person who operates the proxy: the line of configuration that would change the answer. */
  operatorHint?: string;
}

/**
 * A refusal in the words of an RFC. Code throws it; `http/error_responses.ts` alone turns it into a response.
 * The description says what the client can change and never holds a secret.
 */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly scope: readonly string[] | undefined;
  readonly operatorHint: string | undefined;

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(description, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? statusOf[code];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.scope = options.scope;
    this.operatorHint = options.operatorHint;
  }
}

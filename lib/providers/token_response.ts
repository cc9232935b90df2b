// What providers answer at their token endpoint, with the quirks they have (RFC 6749 §5.1, §5.2 and what is done instead):
// GitHub's 200 with `error`, form-encoded answers, `expires_in` as text, no `token_type`, a page of HTML when something is down.

/** An answer as it came. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  body: string;
}

export interface ProviderTokens {
  accessToken: string;
  refreshToken?: string;
  /** OpenID Connect; not yet checked. */
  idToken?: string;
  lifetimeSeconds?: number;
  /** As the provider wrote it; most separate by spaces, some by commas. */
  scope?: string;
}

export type TokenAnswer =
  | { kind: "tokens"; tokens: ProviderTokens }
  /** The provider understood us and said no. `description` is its own text: for the log after redaction, never for the client. */
  | { kind: "refused"; error: string; description?: string }
  /** Nobody could say: too busy, down, or on the way. The same request may succeed later. */
  | { kind: "unavailable"; reason: string; retryAfterSeconds?: number }
  /** An answer that no token endpoint gives: a page, an empty body, a token that can't go into a header. */
  | { kind: "unreadable"; reason: string };

/** Ten years: what is longer is a mistake, and has to stay a safe number. */
const maxLifetimeSeconds = 315_360_000;
const maxRetryAfterSeconds = 3600;
/**
 * Characters of a token or of a scope. More than headers take; what is longer travels to nobody, and packed into ours, where it may
 * take next to nothing, it would fill our memory of opened tokens.
 */
const maxTokenLength = 16_384;

/** Errors that say "not now" instead of "no" (RFC 6749 §4.1.2.1; RFC 8628 §3.5). */
const passing = new Set(["temporarily_unavailable", "server_error", "slow_down"]);

/** Reads what a token endpoint answered; `now` turns a `Retry-After` date into seconds. */
export function readTokenResponse(answer: RawAnswer, now: number): TokenAnswer {
  const { status } = answer;
  const retryAfterSeconds = parseRetryAfter(answer.headers.get("retry-after"), now);
  const unavailable = (reason: string): TokenAnswer => ({
    kind: "unavailable",
    reason,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
  if (status === 429 || status >= 500) return unavailable(`answered ${status}`);
  const message = parseMessage(answer);
  if (message === undefined) {
    return { kind: "unreadable", reason: `answered ${status} with a body that is neither JSON nor a form` };
  }
  // GitHub answers 200 to everything, so the body decides before the status does.
  if (message.error !== undefined && message.error !== null && message.error !== "") {
    const error = printErrorCode(message.error);
    return passing.has(error) ? unavailable(`answered ${status} ${error}`) : {
      kind: "refused",
      error,
      ...(typeof message.error_description === "string" ? { description: message.error_description } : {}),
    };
  }
  if (status !== 200 && status !== 201) {
    return { kind: "unreadable", reason: `answered ${status} without an error code` };
  }
  return readTokens(message);
}

function readTokens(message: Record<string, unknown>): TokenAnswer {
  const accessToken = message.access_token;
  if (typeof accessToken !== "string" || accessToken === "") {
    return { kind: "unreadable", reason: "answered 200 without an access_token" };
  }
  // It goes into a header of ours: nothing that ends a header or that a proxy reads differently (RFC 6750 §2.1, loosely).
  if (!/^[\x21-\x7E]+$/.test(accessToken)) {
    return { kind: "unreadable", reason: "gave an access_token with characters that no header carries" };
  }
  const { refresh_token: refreshToken, id_token: idToken, scope } = message;
  if ([accessToken, refreshToken, scope].some((text) => typeof text === "string" && text.length > maxTokenLength)) {
    return { kind: "unreadable", reason: `gave a token or scope of more than ${maxTokenLength} characters` };
  }
  const type = typeof message.token_type === "string" ? message.token_type.toLowerCase() : "bearer";
  if (type === "dpop" || type === "mac" || type === "pop") {
    return { kind: "unreadable", reason: `gave a token of type ${type}; only bearer tokens can go downstream` };
  }
  const lifetimeSeconds = parseLifetime(message.expires_in);
  return {
    kind: "tokens",
    tokens: {
      accessToken,
      ...(typeof refreshToken === "string" && refreshToken !== "" ? { refreshToken } : {}),
      ...(typeof idToken === "string" && idToken !== "" ? { idToken } : {}),
      ...(lifetimeSeconds === undefined ? {} : { lifetimeSeconds }),
      ...(typeof scope === "string" && scope !== "" ? { scope } : {}),
    },
  };
}

/** JSON or form, told by the body itself: content types are wrong too often. */
function parseMessage({ headers, body }: RawAnswer): Record<string, unknown> | undefined {
  const text = body.trim();
  if (text.startsWith("{")) return parseJsonObject(text);
  const mayBeForm = !/json|html|xml/i.test(headers.get("content-type") ?? "") && /^[\w.]+=[^<\s]*$/.test(text);
  return mayBeForm ? Object.fromEntries(new URLSearchParams(text)) : undefined;
}

function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off, or not JSON after all: told to the caller as unreadable
  }
}

/** Seconds from a number or from digits; 0, negative and nonsense count as "not said". */
function parseLifetime(value: unknown): number | undefined {
  const seconds = typeof value === "string" && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof seconds === "number" && seconds >= 1 ? Math.min(Math.floor(seconds), maxLifetimeSeconds) : undefined;
}

/** Error codes are short words (RFC 6749 §5.2); anything else is replaced, because it is logged. */
function printErrorCode(error: unknown): string {
  return typeof error === "string" && /^[A-Za-z0-9_.:-]{1,64}$/.test(error) ? error : "unreadable_error";
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3), kept between 1 second and an hour. */
function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : Math.ceil(Date.parse(value) / 1000) - now;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), maxRetryAfterSeconds) : undefined;
}

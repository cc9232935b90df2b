// Ties a pending authorization to the browser that opened it, so that nobody can finish in a victim's browser what they began
// in their own, or the other way round (MCP security best practices; RFC 9700 §4.7).
import { createHash, randomBytes } from "node:crypto";
import type { Resource } from "../config/config.ts";
import { type CookieScope, printCookie, readCookie } from "../http/cookies.ts";
import { OAuthError } from "../oauth/errors.ts";

const cookie = "mcp-browser";
const maxAgeSeconds = 180 * 86_400;

export interface Browser {
  /** SHA-256 of the browser's cookie: what sealed values carry. */
  binding: string;
  /** Set when the browser had no cookie yet: the `Set-Cookie` to send. */
  setCookie?: string;
}

/** Cookies of a resource: `__Host-` on https. */
export function cookieScopeOf(resource: Resource): CookieScope {
  return { secure: resource.urls.issuer.startsWith("https:") };
}

/** The browser that sent the request, known by a random cookie that it gets on first sight. */
export function recogniseBrowser(request: Request, scope: CookieScope): Browser {
  const known = readCookie(request, cookie, scope);
  if (known !== undefined && /^[A-Za-z0-9_-]{43}$/.test(known)) return { binding: bindingOf(known) };
  const value = randomBytes(32).toString("base64url");
  return { binding: bindingOf(value), setCookie: printCookie({ name: cookie, value, maxAgeSeconds }, scope) };
}

/** The browser's binding; undefined when it has no cookie of ours. */
export function findBinding(request: Request, scope: CookieScope): string | undefined {
  const value = readCookie(request, cookie, scope);
  return value === undefined ? undefined : bindingOf(value);
}

/** False when the form comes from another site or another browser (CSRF). */
export function isSameSite(request: Request, binding: string, scope: CookieScope): boolean {
  const site = request.headers.get("sec-fetch-site");
  const foreign = site !== null && site !== "same-origin" && site !== "none";
  return !foreign && findBinding(request, scope) === binding;
}

/** @throws OAuthError `invalid_request` when the form comes from another site or another browser (CSRF) */
export function checkSameSite(request: Request, binding: string, scope: CookieScope): void {
  if (isSameSite(request, binding, scope)) return;
  throw new OAuthError(
    "invalid_request",
    "this form was opened in another browser, or cookies are blocked here; start again from your MCP client and allow cookies",
  );
}

function bindingOf(cookieValue: string): string {
  return createHash("sha256").update(cookieValue).digest("base64url");
}

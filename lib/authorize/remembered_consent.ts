// What this browser has already said yes to: the same client, the same redirect URI, the same resource, no wider scope.
// Kept in a sealed cookie, so it can't be forged and nothing is stored.
import { createHash } from "node:crypto";
import type { Client } from "../clients/client.ts";
import { type CookieScope, printCookie, readCookie } from "../http/cookies.ts";
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import { isLoopbackRedirect, isPrivateUseRedirect } from "../oauth/redirect_uri.ts";
import type { Sealer } from "../tokens/seal.ts";

const cookie = "mcp-consent";
const lifetimeSeconds = 90 * 86_400;
const maxRemembered = 24;

interface ConsentTools {
  sealer: Sealer;
  now: () => number;
}

/**
 * True when the page may be skipped. Never for a program on the user's own computer: any program there can claim another's
 * name, so each request is asked (RFC 8252 §8.6).
 */
export function isConsentRemembered(
  { sealer }: ConsentTools,
  asked: { browser: Request; binding: string; request: AuthorizationRequest; scope: CookieScope },
): boolean {
  if (isLocalProgram(asked.request.redirectUri)) return false;
  return remembered(sealer, asked.browser, asked).includes(fingerprint(asked.request));
}

/** The cookie that remembers a yes; undefined where it is not remembered. */
export function rememberConsent(
  { sealer, now }: ConsentTools,
  given: { browser: Request; binding: string; request: AuthorizationRequest; client: Client; scope: CookieScope },
): string | undefined {
  if (isLocalProgram(given.request.redirectUri)) return undefined;
  const mark = fingerprint(given.request);
  const marks = [...remembered(sealer, given.browser, given).filter((other) => other !== mark), mark].slice(
    -maxRemembered,
  );
  const value = sealer.seal("consent", { binding: given.binding, marks }, now() + lifetimeSeconds);
  return printCookie({ name: cookie, value, maxAgeSeconds: lifetimeSeconds }, given.scope);
}

function remembered(
  sealer: Sealer,
  browser: Request,
  { binding, scope }: { binding: string; scope: CookieScope },
): string[] {
  const sealed = readCookie(browser, cookie, scope);
  const opened = sealed === undefined ? undefined : sealer.open("consent", sealed);
  if (opened === undefined || opened === "expired") return [];
  const consent = opened.value as { binding: string; marks: string[] };
  return consent.binding === binding ? consent.marks : [];
}

function isLocalProgram(redirectUri: string): boolean {
  return isLoopbackRedirect(redirectUri) || isPrivateUseRedirect(redirectUri);
}

/** A wider scope is another consent. */
function fingerprint({ clientId, redirectUri, resource, scope }: AuthorizationRequest): string {
  const text = JSON.stringify([clientId, redirectUri, resource, [...scope].sort()]);
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

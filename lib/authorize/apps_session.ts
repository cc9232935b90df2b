// Being signed in at /apps: a short sealed cookie that is good in one browser. It shows what an account let in and ends it; nothing
// else takes it.
import { type CookieScope, printCookie, readCookie } from "../http/cookies.ts";
import type { Account } from "../oauth/grant.ts";
import type { Revocations } from "../store/revocations.ts";
import { randomId } from "../tokens/random_id.ts";
import type { Sealer } from "../tokens/seal.ts";
import { findBinding } from "./browser_binding.ts";

export interface AppsSession {
  id: string;
  account: Account;
  /** The name that they know themselves by. */
  shownAs: string;
}

export interface AppsSessionTools {
  sealer: Sealer;
  revocations: Revocations;
  now: () => number;
}

const cookie = "mcp-account";
const lifetimeSeconds = 1800;

/** The `Set-Cookie` of whoever signed in just now. @param binding of the browser it is good in */
export function openSession(
  { sealer, now }: AppsSessionTools,
  { account, shownAs, binding }: { account: Account; shownAs: string; binding: string },
  scope: CookieScope,
): string {
  const session: AppsSession & { binding: string } = { id: randomId(), account, shownAs, binding };
  const value = sealer.seal("apps session", session, now() + lifetimeSeconds);
  return printCookie({ name: cookie, value, maxAgeSeconds: lifetimeSeconds }, scope);
}

/** Undefined when nobody is signed in in this browser, or not any more. */
export async function findSession(
  { sealer, revocations }: AppsSessionTools,
  browser: Request,
  scope: CookieScope,
): Promise<AppsSession | undefined> {
  const sealed = readCookie(browser, cookie, scope);
  const opened = sealed === undefined ? undefined : sealer.open("apps session", sealed);
  if (opened === undefined || opened === "expired") return undefined;
  const session = opened.value as AppsSession & { binding: string };
  if (session.binding !== findBinding(browser, scope) || await revocations.isRevoked(session.id, { askNow: true })) {
    return undefined;
  }
  return session;
}

/** From now on a copy of the cookie is no good either. @throws StoreUnavailableError */
export async function endSession(
  { revocations, now }: AppsSessionTools,
  session: AppsSession | undefined,
  scope: CookieScope,
): Promise<string> {
  if (session !== undefined) await revocations.revoke(session.id, now() + lifetimeSeconds);
  return printCookie({ name: cookie, value: "", maxAgeSeconds: 0 }, scope);
}

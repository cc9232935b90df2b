// The trip to a provider and back. The provider's `state` is a short id; what it is for waits sealed in a cookie of that
// name, which binds the trip to the browser, lets several tabs have theirs, and needs no storage (SBP: state).
import { OAuthError } from "../oauth/errors.ts";
import { type CookieScope, printCookie, readCookie, readCookieNames } from "../http/cookies.ts";
import type { Store } from "../store/store.ts";
import { randomId } from "../tokens/random_id.ts";
import type { Sealer, SealPurpose } from "../tokens/seal.ts";

/** What trips are for. Each kind has its own key and its own cookies, so one's answer is no use where another's is expected. */
export interface FlowKind {
  purpose: SealPurpose;
  /** Of the cookies' names. */
  prefix: string;
  /** What whoever is too late can do: "start again from …". */
  startAgainFrom: string;
}

export interface FlowTools {
  kind: FlowKind;
  sealer: Sealer;
  store: Store;
  now: () => number;
  lifetimeSeconds: number;
}

/** Browsers keep 4 096 bytes of a cookie; a longer flow waits in the store. */
const maxCookieLength = 3_800;
/** Reverse proxies take 8 KB of cookies by default; trips that were never finished give way. */
const maxOpenFlows = 4;

/** The cookies to set before the browser leaves: the new trip, and the oldest ones' end where there are too many. */
export async function beginFlow(
  tools: FlowTools,
  { id, flow, browser, scope }: { id: string; flow: unknown; browser: Request; scope: CookieScope },
): Promise<string[]> {
  const { purpose, prefix } = tools.kind;
  const expiresAt = tools.now() + tools.lifetimeSeconds;
  const sealed = tools.sealer.seal(purpose, { id, flow }, expiresAt);
  const value = sealed.length <= maxCookieLength ? sealed : await keep(tools, sealed, expiresAt);
  const open = readCookieNames(browser, prefix, scope);
  return [
    ...open.slice(0, Math.max(0, open.length - maxOpenFlows + 1)).map((name) => endCookie(name, scope)),
    printCookie({ name: prefix + id, value, maxAgeSeconds: tools.lifetimeSeconds }, scope),
  ];
}

/**
 * The flow that the browser comes back from, once.
 *
 * @throws OAuthError `invalid_request` for the error page: unknown, used or expired state, another browser, another kind
 */
export async function resumeFlow<Flow>(
  tools: FlowTools,
  { state, browser, scope, isOurs }: {
    state: string;
    browser: Request;
    scope: CookieScope;
    /** Whether the trip ends where it should. */
    isOurs: (flow: Flow) => boolean;
  },
): Promise<{ flow: Flow; clearCookie: string }> {
  const { purpose, prefix } = tools.kind;
  const cookie = /^[A-Za-z0-9_-]{22}$/.test(state) ? readCookie(browser, prefix + state, scope) : undefined;
  const sealed = cookie === undefined ? undefined : isKey(cookie) ? await tools.store.get(`flow:${cookie}`) : cookie;
  const opened = sealed === undefined ? undefined : tools.sealer.open(purpose, sealed);
  if (opened === undefined || opened === "expired") throw expired(tools.kind);
  const { id, flow } = opened.value as { id: string; flow: Flow };
  if (id !== state || !isOurs(flow)) throw expired(tools.kind);
  if (await tools.store.putIfAbsent(`state:${state}`, "used", opened.expiresAt!) !== undefined) {
    throw expired(tools.kind);
  }
  return { flow, clearCookie: endCookie(prefix + state, scope) };
}

/** For a trip too long for a cookie: what its cookie holds instead. Not the state, which the provider knows, and logs on the way. */
async function keep({ store }: FlowTools, sealed: string, expiresAt: number): Promise<string> {
  const key = randomId();
  await store.put(`flow:${key}`, sealed, expiresAt);
  return key;
}

function isKey(cookie: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(cookie);
}

function endCookie(name: string, scope: CookieScope): string {
  return printCookie({ name, value: "", maxAgeSeconds: 0 }, scope);
}

function expired({ startAgainFrom }: FlowKind): OAuthError {
  return new OAuthError(
    "invalid_request",
    `Session expired: this sign-in was begun in another browser, took too long, or was finished before; start again from ${startAgainFrom}`,
  );
}

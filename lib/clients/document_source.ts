// JSON documents at addresses that strangers choose: fetched once for everybody who asks at the same time, kept as long as
// their HTTP headers say. Own code and no cache library, because the rules about errors and stale copies are the larger part.
import { cacheLifetimeSeconds } from "../http/cache_lifetime.ts";
import { PrivateAddressError, UnsafeUrlError } from "../http/fetch_target.ts";
import { FetchFailedError, type SafeFetch, type SafeFetchResult } from "../http/safe_fetch.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Log } from "../telemetry/log.ts";
import { createFetchSlots, siteOf } from "./fetch_slots.ts";

export interface DocumentSource<T> {
  /**
   * The document, from the cache while it is fresh.
   *
   * @throws OAuthError `invalid_client` when what is there is no such document, `temporarily_unavailable` when nothing can be had now
   */
  get(url: string): Promise<T>;
  /** Asks again although the copy is fresh, unless the copy is younger than 30 seconds. */
  refresh(url: string): Promise<T>;
}

export interface DocumentSourceTools {
  safeFetch: SafeFetch;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

export interface DocumentRules<T> {
  /** For error texts: `client metadata document`. */
  what: string;
  maxBytes: number;
  allowLoopbackHttp: boolean;
  /** @throws OAuthError when the JSON value is not such a document */
  parse(value: unknown, url: string): T;
}

interface Copy<T> {
  document: T;
  fetchedAt: number;
  freshUntil: number;
}

const timeoutMs = 5_000;
const lifetimes = { min: 60, max: 86_400, fallback: 3_600 };
/** Between two fetches that are asked for although the copy is fresh, and between two attempts to replace a stale one. */
const minRefreshSeconds = 30;
/** How old a copy may get when its address is out of order (RFC 9111 §4.2.4). */
const maxStaleSeconds = 86_400;
const maxCopies = { all: 500, perSite: 50 };

/**
 * A source for one kind of document. Refusals and failures are not remembered
 * (draft-ietf-oauth-client-id-metadata-document-00 §4.3 forbids it); only concurrent askers share one.
 */
export function createDocumentSource<T>(tools: DocumentSourceTools, rules: DocumentRules<T>): DocumentSource<T> {
  /** Least recently used first. */
  const copies = new Map<string, Copy<T>>();
  const underWay = new Map<string, Promise<Copy<T>>>();
  const slots = createFetchSlots(tools);

  function keep(url: string, copy: Copy<T>): Copy<T> {
    const isNew = !copies.delete(url);
    copies.set(url, copy);
    if (isNew && copies.size > maxCopies.perSite) makeRoom(siteOf(url));
    return copy;
  }

  function makeRoom(site: string): void {
    const ofSite = [...copies.keys()].filter((other) => siteOf(other) === site);
    if (ofSite.length > maxCopies.perSite) copies.delete(ofSite[0]!);
    if (copies.size > maxCopies.all) copies.delete(copies.keys().next().value!);
  }

  async function load(url: string): Promise<Copy<T>> {
    const response = await slots.run(url, (signal) => fetchDocument(url, { ...tools, signal }, rules));
    const document = rules.parse(parseJson(response, url, rules.what), url);
    const fetchedAt = tools.now();
    return { document, fetchedAt, freshUntil: fetchedAt + cacheLifetimeSeconds(response.headers, lifetimes) };
  }

  /** The last good copy stands in while its address is out of order; what answers with another document has replaced it. */
  async function replace(url: string): Promise<Copy<T>> {
    try {
      return keep(url, await load(url));
    } catch (error) {
      const code = error instanceof OAuthError ? error.code : undefined;
      tools.log.warning("client_document_refused", { url, error });
      const old = copies.get(url);
      const now = tools.now();
      if (old !== undefined && code === "temporarily_unavailable" && now - old.fetchedAt < maxStaleSeconds) {
        return keep(url, { ...old, freshUntil: now + minRefreshSeconds });
      }
      copies.delete(url);
      throw error;
    }
  }

  async function fetchOnce(url: string): Promise<T> {
    let pending = underWay.get(url);
    if (pending === undefined) {
      pending = replace(url).finally(() => underWay.delete(url));
      underWay.set(url, pending);
    }
    return (await pending).document;
  }

  function get(url: string, isGoodEnough: (copy: Copy<T>) => boolean): Promise<T> {
    const copy = copies.get(url);
    return copy !== undefined && isGoodEnough(copy) ? Promise.resolve(keep(url, copy).document) : fetchOnce(url);
  }

  return {
    get: (url) => get(url, (copy) => tools.now() < copy.freshUntil),
    refresh: (url) => get(url, (copy) => tools.now() < copy.fetchedAt + minRefreshSeconds),
  };
}

/**
 * The reasons of a failed fetch go to the log only: they may tell what our network looks like. So a name that leads inside is
 * answered like one that leads nowhere.
 */
async function fetchDocument<T>(
  url: string,
  { safeFetch, signal }: { safeFetch: SafeFetch; signal: AbortSignal },
  { what, maxBytes, allowLoopbackHttp }: DocumentRules<T>,
): Promise<SafeFetchResult> {
  const options = { maxBytes, timeoutMs, accept: "application/json", allowLoopbackHttp, signal };
  const response = await safeFetch(new URL(url), options).catch((cause: unknown) => {
    if (cause instanceof UnsafeUrlError && !(cause instanceof PrivateAddressError)) {
      throw new OAuthError("invalid_client", `the ${what} must be at a public https URL (${url})`, { cause });
    }
    if (cause instanceof FetchFailedError || cause instanceof PrivateAddressError) {
      const limits = `within ${timeoutMs / 1000} seconds, with at most ${maxBytes} bytes, without a redirect`;
      throw unavailable(
        `the ${what} at ${url} can't be fetched; it must answer from a public address ${limits}`,
        cause,
      );
    }
    throw cause;
  });
  if (response.status === 200) return response;
  // 401 and 403 are what bot protection answers to servers, whatever the document is.
  const passing = response.status >= 500 || [401, 403, 408, 425, 429].includes(response.status);
  const message = `the ${what} at ${url} must answer 200; it answered ${response.status}`;
  throw passing ? unavailable(message) : new OAuthError("invalid_client", message);
}

function parseJson({ headers, body }: SafeFetchResult, url: string, what: string): unknown {
  const type = (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (!/^application\/([\w.-]+\+)?json$/.test(type)) {
    throw new OAuthError("invalid_client", `the ${what} at ${url} must have the content type application/json`);
  }
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new OAuthError("invalid_client", `the ${what} at ${url} must be valid JSON`, { cause });
  }
}

function unavailable(message: string, cause?: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", message, { cause, retryAfterSeconds: minRefreshSeconds });
}

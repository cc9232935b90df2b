// How many documents of strangers are fetched at once, and who gives way: one stranger's slow documents must not keep anybody
// else's from being fetched.
import { OAuthError } from "../oauth/errors.ts";

export interface FetchSlots {
  /**
   * Runs a fetch in a slot of its own; when `signal` aborts, the slot was given to another.
   *
   * @throws OAuthError `temporarily_unavailable` when there is no slot, or it was taken away; whatever `fetchOne` throws
   */
  run<T>(url: string, fetchOne: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

const maxFetches = { all: 64, perSite: 8 };
/** Documents come in less; what took longer gives way when all slots are taken. */
const givesWayAfterSeconds = 2;

interface Fetching {
  site: string;
  startedAt: number;
  giveWay: () => void;
}

export function createFetchSlots({ now }: { now: () => number }): FetchSlots {
  /** Longest under way first. */
  const underWay = new Set<Fetching>();

  function makeRoom(site: string): void {
    const ofSite = [...underWay].filter((other) => other.site === site);
    const contenders = ofSite.length >= maxFetches.perSite ? ofSite : [...underWay];
    if (contenders === ofSite || contenders.length >= maxFetches.all) takeFrom(contenders[0]!);
  }

  function takeFrom(longest: Fetching): void {
    if (longest.startedAt + givesWayAfterSeconds > now()) throw busy();
    underWay.delete(longest);
    longest.giveWay();
  }

  return {
    async run(url, fetchOne) {
      const site = siteOf(url);
      makeRoom(site);
      const abort = new AbortController();
      const { promise: givenWay, reject } = Promise.withResolvers<never>();
      const fetching: Fetching = {
        site,
        startedAt: now(),
        giveWay() {
          abort.abort();
          reject(busy());
        },
      };
      underWay.add(fetching);
      try {
        return await Promise.race([fetchOne(abort.signal), givenWay]);
      } finally {
        underWay.delete(fetching);
      }
    },
  };
}

/**
 * What one party is likely to own, for names below it cost nothing: the last two labels of a name, three where the second is
 * one that registries use (`co.uk`). Strangers may share such a site; then they share its part.
 */
export function siteOf(url: string): string {
  const { hostname } = new URL(url);
  if (/[\d\]]$/.test(hostname)) return hostname; // an address
  return /[^.]+\.(?:(?:com?|org|net|gov|edu|ac)\.[a-z]{2}|[^.]+)$/.exec(hostname)?.[0] ?? hostname;
}

function busy(): OAuthError {
  return new OAuthError("temporarily_unavailable", "too many client documents are being fetched", {
    retryAfterSeconds: 30,
  });
}

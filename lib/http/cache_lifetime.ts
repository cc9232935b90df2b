// How long an answer may be reused, by a cache that many users share: the part of RFC 9111 §4.2.1 that metadata documents need.

export interface CacheLimits {
  /** also what an answer gets that must not be stored: no attacker can make us fetch more often */
  min: number;
  max: number;
  /** when the answer says nothing */
  fallback: number;
}

/**
 * Seconds for which an answer stays fresh: `s-maxage`, else `max-age`, else `Expires` less `Date`, each less `Age`; zero for
 * `no-store`, `no-cache`, `private` and for anything unreadable (RFC 9111 §4.2.1: invalid is stale). Then limited to
 * `min`…`max`.
 */
export function cacheLifetimeSeconds(headers: Headers, { min, max, fallback }: CacheLimits): number {
  const lifetime = freshnessSeconds(headers);
  const age = lifetime === undefined ? 0 : parseSeconds(headers.get("age") ?? "0") ?? 0;
  return Math.min(Math.max((lifetime ?? fallback) - age, min), max);
}

function freshnessSeconds(headers: Headers): number | undefined {
  const directives = parseCacheControl(headers.get("cache-control") ?? "");
  const has = (name: string) => directives.some((directive) => directive.name === name);
  if (has("no-store") || has("no-cache") || has("private")) return 0;
  for (const name of ["s-maxage", "max-age"]) {
    // Said twice: the shorter one counts.
    if (has(name)) return Math.min(...directives.filter((d) => d.name === name).map((d) => parseSeconds(d.value) ?? 0));
  }
  return expiresSeconds(headers.get("expires"), headers.get("date"));
}

/** RFC 9111 §5.2: `name`, `name=token` or `name="quoted"`, by commas; commas inside quotes do not count. */
function parseCacheControl(text: string): { name: string; value: string }[] {
  return [...text.matchAll(/([^\s,;="]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g)]
    .map(([, name = "", quoted, token = ""]) => ({ name: name.toLowerCase(), value: quoted ?? token }));
}

/** delta-seconds, RFC 9111 §1.2.2 */
function parseSeconds(text: string): number | undefined {
  return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

/** RFC 9111 §5.3: an Expires that is no date, such as "0", lies in the past. Without Date there is nothing to compare with. */
function expiresSeconds(expires: string | null, date: string | null): number | undefined {
  if (expires === null) return undefined;
  const until = parseDate(expires);
  const from = parseDate(date ?? "");
  if (until === undefined) return 0;
  return from === undefined ? undefined : Math.max(0, until - from);
}

/** IMF-fixdate, RFC 9110 §5.6.7, to seconds. Looked at first, as Date.parse takes "0" for the year 2000. */
function parseDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

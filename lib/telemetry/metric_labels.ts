// Label values are few, whatever strangers send (S2-04): what is not known beforehand is `other`.
const methods = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]);

export function methodLabel(method: string): string {
  return methods.has(method) ? method : "other";
}

/** How many there are of each class, registered or in use (499: the client left); a downstream may answer any. */
const lastKnownStatus: Readonly<Record<number, number>> = { 1: 103, 2: 208, 3: 308, 4: 431, 5: 511 };

/** The code where it is one that means something, else its class. */
export function statusLabel(status: number): string {
  const group = Math.floor(status / 100);
  return status <= (lastKnownStatus[group] ?? 0) || status === 451 || status === 499 ? String(status) : `${group}xx`;
}

/** Tells the published hosts from all others. @param urls what we publish, at any path */
export function createHostLabel(urls: readonly string[]): (host: string | undefined) => string {
  const published = new Set(urls.map((url) => new URL(url).host));
  return (host) => {
    if (host === undefined) return "other";
    if (published.has(host)) return host; // as nearly all clients spell it
    const normal = host.toLowerCase().replace(/:(80|443)$/, "").replace(/\.$/, "");
    return published.has(normal) ? normal : "other";
  };
}

/** The first `maxValues` different ones as they are, later ones as `other`. */
export function createBoundedLabel(maxValues: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= maxValues) return "other";
    known.add(value);
    return value;
  };
}

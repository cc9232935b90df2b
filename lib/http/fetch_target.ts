// Reads a URL that a stranger chose, before anything is looked up or dialled.

import { isIP } from "node:net";
import { isPublicAddress } from "./public_address.ts";

/** The URL itself, or an address that its host name stands for, must not be fetched. Shown to operators, never to the client. */
export class UnsafeUrlError extends Error {
  override name = "UnsafeUrlError";
}

/** The URL looks fit, but the name leads to an address that is not public. Whoever sent the URL must not learn of the difference. */
export class PrivateAddressError extends UnsafeUrlError {
  override name = "PrivateAddressError";
}

export interface FetchTarget {
  /** false only for http on loopback */
  encrypted: boolean;
  /** a DNS name, or an IP address without brackets */
  host: string;
  port: number;
  /** known without a lookup: IP literals and loopback; otherwise the name has to be resolved and every answer checked */
  addresses?: string[];
}

/**
 * What to connect to for a URL that somebody else chose.
 *
 * @param isAllowedAddress what IP literals must satisfy
 * @param allowLoopbackHttp also takes http://127.0.0.1, http://[::1] and http://localhost, for development
 * @throws UnsafeUrlError
 */
export function parseFetchTarget(url: URL, isAllowedAddress = isPublicAddress, allowLoopbackHttp = false): FetchTarget {
  if (url.username !== "" || url.password !== "") {
    throw new UnsafeUrlError("the URL must not hold a user name or password");
  }
  if (url.href.includes("#")) throw new UnsafeUrlError("the URL must not have a fragment");
  if (url.protocol === "http:") return loopbackTarget(url, allowLoopbackHttp);
  if (url.protocol !== "https:") throw new UnsafeUrlError(`the URL must start with https:// (got "${url.protocol}")`);

  const port = checkPort(url, 443);
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(literal) === 0) return { encrypted: true, host: checkHostName(url.hostname), port };
  if (!isAllowedAddress(literal)) throw new UnsafeUrlError(`${literal} is not a public address`);
  return { encrypted: true, host: literal, port, addresses: [literal] };
}

function loopbackTarget(url: URL, allowLoopbackHttp: boolean): FetchTarget {
  const addresses = loopbackAddresses.get(url.hostname);
  if (!allowLoopbackHttp || addresses === undefined) throw new UnsafeUrlError("the URL must start with https://");
  const port = checkPort(url, 80);
  return { encrypted: false, host: url.hostname.replace(/^\[|\]$/g, ""), port, addresses };
}

/** Never resolved: a hosts file must not decide what localhost means here. */
const loopbackAddresses = new Map([
  ["127.0.0.1", ["127.0.0.1"]],
  ["[::1]", ["::1"]],
  ["localhost", ["127.0.0.1", "::1"]],
]);

/** The default port, or an unprivileged one that browsers do not refuse either (Fetch Standard, "bad port"). */
function checkPort(url: URL, defaultPort: number): number {
  if (url.port === "") return defaultPort;
  const port = Number(url.port);
  if (port < 1024 || badPorts.has(port)) throw new UnsafeUrlError(`port ${port} is not one that web servers use`);
  return port;
}

const badPorts = new Set([
  1719,
  1720,
  1723,
  2049,
  3659,
  4045,
  4190,
  5060,
  5061,
  6000,
  6566,
  6665,
  6666,
  6667,
  6668,
  6669,
  6679,
  6697,
  10080,
]);

/**
 * A fully qualified DNS name: at least two labels, so that no search domain is appended, and no trailing dot, so that the
 * certificate, the Host header and the URL agree on one spelling. URL has lower-cased and Punycode-encoded it already.
 */
function checkHostName(name: string): string {
  const labels = name.split(".");
  const wellFormed = labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
  if (!wellFormed || labels.length < 2 || name.length > 253) {
    throw new UnsafeUrlError(`"${name}" is not a fully qualified host name`);
  }
  if (privateDomains.test(name)) throw new UnsafeUrlError(`"${name}" is a name for private networks only`);
  return name;
}

/** RFC 6761 (localhost), 6762 (local), 7686 (onion), 8375 (home.arpa); internal is reserved by ICANN for private use. */
const privateDomains = /(^|\.)(localhost|local|internal|onion|home\.arpa)$/;

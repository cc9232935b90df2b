// Which redirect URIs may exist at all, and when a requested one equals a registered one.

/** Schemes that run code or read files in the browser instead of reaching a client. */
const forbiddenSchemes = new Set([
  "javascript:",
  "data:",
  "vbscript:",
  "file:",
  "blob:",
  "about:",
  "ftp:",
  "ws:",
  "wss:",
]);
const loopbackHosts = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** True for `http://` on 127.0.0.1, [::1] or localhost: a client on the user's own machine (RFC 8252 §7.3, §8.3). */
export function isLoopbackRedirect(uri: string): boolean {
  const url = parseRedirectUri(uri);
  return url !== undefined && url.protocol === "http:" && loopbackHosts.has(url.hostname);
}

/** True for a private-use scheme such as `cursor://…` (RFC 8252 §7.1). */
export function isPrivateUseRedirect(uri: string): boolean {
  const url = parseRedirectUri(uri);
  return url !== undefined && url.protocol !== "http:" && url.protocol !== "https:";
}

/**
 * The URL of a redirect URI that may be registered: https, http on loopback, or a private-use scheme; no fragment
 * (RFC 6749 §3.1.2), no user information, no white space, backslash or control character that parsers read differently.
 * Anything else is undefined.
 */
export function parseRedirectUri(uri: string): URL | undefined {
  // deno-lint-ignore no-control-regex
  if (uri.length > 2000 || /[\x00-\x20\x7F-\uFFFF\\^`{|}<>"]/.test(uri) || uri.includes("#")) return undefined;
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  // Also without a name in front of it: two readers then see two hosts.
  if (/^[^:]+:\/\/[^/?]*@/.test(uri) || url.username !== "" || url.password !== "") return undefined;
  if (forbiddenSchemes.has(url.protocol)) return undefined;
  if (url.protocol === "http:" || url.protocol === "https:") {
    // Two slashes and a host: with fewer or more, a browser finds a host where others read a path.
    if (!/^https?:\/\/[^/?]/i.test(uri)) return undefined;
    return url.protocol === "https:" || loopbackHosts.has(url.hostname) ? url : undefined;
  }
  return /^[a-z][a-z0-9+.-]*:\/?\/?[^/]/i.test(uri) ? url : undefined;
}

/**
 * True when the requested URI is one of the registered ones: the same text, character for character (RFC 9700 §4.1.3),
 * except that the port of a loopback URI may differ (RFC 8252 §7.3).
 */
export function isRegisteredRedirectUri(requested: string, registered: readonly string[]): boolean {
  if (parseRedirectUri(requested) === undefined) return false;
  if (registered.includes(requested)) return true;
  return isLoopbackRedirect(requested) &&
    registered.some((uri) => isLoopbackRedirect(uri) && withoutPort(uri) === withoutPort(requested));
}

function withoutPort(uri: string): string {
  return uri.replace(/^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)):\d+/i, "$1");
}

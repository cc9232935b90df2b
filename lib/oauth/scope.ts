// Scopes are a list inside and one string on the wire (RFC 6749 §3.3).

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/** The scope tokens of a wire string in order, without repeats; tokens that RFC 6749 §3.3 does not allow are dropped. */
export function parseScope(text: string | undefined): string[] {
  return [...new Set((text ?? "").split(" ").filter((token) => scopeToken.test(token)))];
}

export function printScope(scope: readonly string[]): string {
  return scope.join(" ");
}

/**
 * What a client gets of what it asked for. Scopes that the resource does not know are narrowed away instead of refused,
 * because clients invent some (`openid`, `offline_access`, `claudeai`); nothing asked, or nothing known asked, gives the default.
 */
export function narrowScope(requested: readonly string[], supported: readonly string[]): string[] {
  const known = requested.filter((scope) => supported.includes(scope));
  return known.length > 0 ? known : [...supported];
}

export function isScopeSubset(part: readonly string[], whole: readonly string[]): boolean {
  return part.every((scope) => whole.includes(scope));
}

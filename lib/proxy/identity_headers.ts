// Who is asking, in the headers that reverse proxies and their downstreams know from oauth2-proxy.
import { printScope } from "../oauth/scope.ts";
import type { Access } from "../tokens/access_token.ts";

/** Of tokens that come again and again. */
const known = new WeakMap<Access, Readonly<Record<string, string>>>();

/** Names in lower case; only what is known. */
export function identityHeaders(access: Access): Readonly<Record<string, string>> {
  let headers = known.get(access);
  if (headers === undefined) known.set(access, headers = printIdentity(access));
  return headers;
}

function printIdentity({ identity, scope }: Access): Record<string, string> {
  if (identity === undefined) return {};
  return {
    "x-auth-request-user": printable(identity.subject),
    ...(identity.name === undefined ? {} : { "x-auth-request-preferred-username": printable(identity.name) }),
    ...(identity.email === undefined ? {} : { "x-auth-request-email": printable(identity.email) }),
    "x-auth-request-groups": (identity.groups ?? []).map((group) => printable(group).replaceAll(",", "%2C")).join(","),
    "x-auth-request-scopes": printScope(scope),
  };
}

/**
 * Percent-encodes what can't stand in a header, spaces at the ends, which no header keeps (" admin" is not "admin"), and the
 * percent sign itself, so that it can be read back.
 */
function printable(text: string): string {
  return text.replace(/^ +| +$|[^\x20-\x24\x26-\x7E]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}

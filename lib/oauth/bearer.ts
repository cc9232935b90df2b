// RFC 6750: reading `Authorization: Bearer`, writing `WWW-Authenticate: Bearer`.

/** The token of an `Authorization` header; undefined when the header is absent, empty or of another scheme. */
export function parseBearer(authorization: string | null): string | undefined {
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? "")?.[1];
}

/** Parameters of a challenge, in the order written. RFC 6750 §3, RFC 9728 §5.1. */
export interface BearerChallenge {
  error?: string;
  error_description?: string;
  scope?: string;
  realm?: string;
  resource_metadata?: string;
}

/** A parameter with its value (quoted or not), or the name of a scheme. RFC 9110 §11.6.1. */
const challengePart = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)/g;

/** The first Bearer challenge of a `WWW-Authenticate` header, which may hold several schemes; undefined when there is none. */
export function parseChallenge(header: string | null): BearerChallenge | undefined {
  let scheme: string | undefined;
  let found: Record<string, string> | undefined;
  for (const [, name, quoted, bare, bareScheme] of (header ?? "").slice(0, 8192).matchAll(challengePart)) {
    if (bareScheme !== undefined) {
      if (found !== undefined) break;
      scheme = bareScheme.toLowerCase();
      if (scheme === "bearer") found = {};
    } else if (scheme === "bearer" && found !== undefined) {
      found[name!.toLowerCase()] ??= quoted === undefined ? bare! : quoted.replace(/\\(.)/g, "$1");
    }
  }
  return found;
}

/** Writes a `WWW-Authenticate` value; characters that RFC 6750 §3 does not allow in a value are left out. */
export function printChallenge(challenge: BearerChallenge): string {
  const parameters = Object.entries(challenge)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${name}="${String(value).replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, "")}"`);
  return parameters.length === 0 ? "Bearer" : `Bearer ${parameters.join(", ")}`;
}

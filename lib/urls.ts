// Every path and URL that we publish for a resource, spelled once.

/** A stream without a token, for doctor. */
export const sseProbePath = "/.well-known/mcp-oauth-proxy/sse-probe";

/** Where people see what they connected. */
export const appsPath = "/apps";
/** Where providers send people back to who signed in there; each has a path of its own below it. */
export const appsCallbackPath = "/callback/apps";

/** The redirect URI of one of several providers: an answer that arrives at another's is not from the chosen one (RFC 9700 §4.4.2.2). */
export function callbackOf(callback: string, provider: string): string {
  return `${callback}/${encodeURIComponent(provider)}`;
}

/** How one resource is published: by path under the public URL, or on a host of its own. */
export type Publication =
  | { by: "path"; publicUrl: string; name: string }
  | { by: "host"; host: string; path: string; scheme: "https" | "http" };

/** All but `path` absolute; without a trailing slash. */
export interface ResourceUrls {
  /** Our name as authorization server for this resource (RFC 8414 §2). */
  issuer: string;
  /** The resource's canonical URI, which is also the URL of the MCP server (RFC 9728 §2, RFC 8707 §2). */
  resource: string;
  /** Of `resource`. */
  path: string;
  authorize: string;
  callback: string;
  token: string;
  register: string;
  revoke: string;
  authenticate: string;
  /** Our Client ID Metadata Document: our client_id at providers that read such documents. */
  clientMetadata: string;
  jwks: string;
  /** RFC 9728 §3.1: the well-known part goes between host and path. */
  protectedResourceMetadata: string;
}

/** The URLs of one resource as config.md lays them out. */
export function resourceUrls(publication: Publication): ResourceUrls {
  if (publication.by === "host") {
    const issuer = `${publication.scheme}://${publication.host}`;
    return urlsUnder(issuer, "", issuer, publication.path === "/" ? "" : publication.path);
  }
  const path = `/mcp/${publication.name}`;
  return urlsUnder(publication.publicUrl, path, publication.publicUrl + path, path);
}

function urlsUnder(origin: string, suffix: string, issuer: string, resourcePath: string): ResourceUrls {
  return {
    issuer,
    resource: origin + resourcePath,
    // A public URL that is none is refused elsewhere, together with all the other problems of the configuration.
    path: URL.parse(origin + resourcePath)?.pathname ?? resourcePath,
    authorize: `${origin}/authorize${suffix}`,
    callback: `${origin}/callback${suffix}`,
    token: `${origin}/token${suffix}`,
    register: `${origin}/register${suffix}`,
    revoke: `${origin}/revoke${suffix}`,
    authenticate: `${origin}/authenticate${suffix}`,
    clientMetadata: `${origin}/oauth-client${suffix}`,
    jwks: `${origin}/.well-known/jwks.json`,
    protectedResourceMetadata: `${origin}/.well-known/oauth-protected-resource${resourcePath}`,
  };
}

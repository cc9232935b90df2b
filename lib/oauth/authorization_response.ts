// The answer of the authorization endpoint, written onto a redirect URI that has been checked (RFC 6749 §4.1.2, RFC 9207).

export interface AuthorizationResponse {
  redirectUri: string;
  /** Our issuer identifier for the resource; on success and on error (RFC 9207 §2). */
  issuer: string;
  state?: string;
}

/** `redirect_uri?code=…&state=…&iss=…`; a query that the client registered is kept (RFC 6749 §3.1.2). */
export function codeRedirect(response: AuthorizationResponse & { code: string }): string {
  return withQuery(response.redirectUri, { code: response.code, state: response.state, iss: response.issuer });
}

/** `redirect_uri?error=…&error_description=…&state=…&iss=…` (RFC 6749 §4.1.2.1). */
export function errorRedirect(response: AuthorizationResponse & { error: string; description: string }): string {
  return withQuery(response.redirectUri, {
    error: response.error,
    error_description: response.description.replace(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, "'"),
    state: response.state,
    iss: response.issuer,
  });
}

function withQuery(uri: string, values: Record<string, string | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, value);
  const separator = !uri.includes("?") ? "?" : /[?&]$/.test(uri) ? "" : "&";
  return `${uri}${separator}${query}`;
}

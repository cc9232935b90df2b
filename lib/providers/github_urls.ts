// Where GitHub lives: github.com, a ghe.com subdomain, or a GitHub Enterprise Server.

export interface GithubUrls {
  /** Pages for people, and OAuth. */
  web: string;
  /** REST. */
  api: string;
  graphql: string;
  /** What it would call itself in `iss` (RFC 9207). */
  issuer: string;
}

/** @param apiUrl `https://api.github.com`, `https://api.NAME.ghe.com`, `https://HOST/api/v3`; absent: github.com */
export function githubUrls(apiUrl = "https://api.github.com"): GithubUrls {
  const api = apiUrl.replace(/\/$/, "");
  const url = new URL(api);
  const isServer = url.pathname.endsWith("/api/v3");
  const web = isServer ? api.slice(0, -"/api/v3".length) : `${url.protocol}//${url.host.replace(/^api\./, "")}`;
  return { web, api, graphql: isServer ? `${web}/api/graphql` : `${api}/graphql`, issuer: `${web}/login/oauth` };
}

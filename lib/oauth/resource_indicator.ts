// The `resource` parameter (RFC 8707): which of our resources a client means.

/**
 * True when `requested` names `resource`: equal after lower-casing scheme and host and dropping a default port
 * (RFC 3986 §6.2.2.1), and a trailing slash more or less on the path is forgiven because clients add one.
 */
export function isSameResource(requested: string, resource: string): boolean {
  if (requested.includes("#") || !URL.canParse(requested)) return false;
  const url = new URL(requested);
  if (url.username !== "" || url.password !== "") return false;
  return withoutSlash(url.href) === withoutSlash(new URL(resource).href);
}

function withoutSlash(href: string): string {
  return href.replace(/\/$/, "");
}

// The `resource` parameter (RFC 8707): which of our resources a client means.

/** RFC 3986 in its plain form, without query and fragment: nothing in it that a URL parser would drop, turn around or decode. */
const plainUri = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{0,5}))?((?:\/[\w.~!$&'()*+,;=:@%-]*)*)$/i;

/**
 * True when `requested` names `resource`: equal after lower-casing scheme and host and dropping a default port
 * (RFC 3986 §6.2.2.1), and a trailing slash more or less on the path is forgiven because clients add one.
 */
export function isSameResource(requested: string, resource: string): boolean {
  if (requested === resource) return true;
  const normal = normalForm(requested);
  return normal !== undefined && normal === normalForm(resource);
}

function normalForm(uri: string): string | undefined {
  const [, scheme, host, port, path] = plainUri.exec(uri) ?? [];
  if (scheme === undefined) return undefined;
  const defaultPort = scheme.toLowerCase() === "https" ? 443 : 80;
  return `${scheme}://${host}:${Number(port || defaultPort)}`.toLowerCase() + path!.replace(/\/$/, "");
}

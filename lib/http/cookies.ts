// Cookies of our own: `__Host-` wherever the browser takes it.

/** `__Host-` demands Secure, which browsers refuse to set over plain http on loopback names; there the prefix is left out. */
export interface CookieScope {
  /** True when the issuer is https. */
  secure: boolean;
}

/** The value of our cookie `name`, or undefined. */
export function readCookie(request: Request, name: string, { secure }: CookieScope): string | undefined {
  const wanted = cookieName(name, secure);
  return readCookies(request).find(([key]) => key === wanted)?.[1];
}

/** Names (without `__Host-`) of our cookies that begin with `prefix`, in the order sent: browsers send older ones first (RFC 6265 §5.4). */
export function readCookieNames(request: Request, prefix: string, { secure }: CookieScope): string[] {
  const wanted = cookieName(prefix, secure);
  return readCookies(request).filter(([key]) => key.startsWith(wanted)).map(([key]) =>
    prefix + key.slice(wanted.length)
  );
}

function readCookies(request: Request): [name: string, value: string][] {
  return (request.headers.get("cookie") ?? "").split(";").map((pair) => {
    const [name = "", ...value] = pair.trim().split("=");
    return [name, value.join("=")];
  });
}

/** A `Set-Cookie` value: HttpOnly, SameSite=Lax (it has to arrive with the provider's redirect), whole host. */
export function printCookie(
  cookie: { name: string; value: string; maxAgeSeconds: number },
  { secure }: CookieScope,
): string {
  const name = cookieName(cookie.name, secure);
  return `${name}=${cookie.value}; Path=/; Max-Age=${cookie.maxAgeSeconds}; HttpOnly; SameSite=Lax${
    secure ? "; Secure" : ""
  }`;
}

function cookieName(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

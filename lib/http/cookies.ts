// Cookies of our own: `__Host-` wherever the browser takes it.

/** `__Host-` demands Secure, which browsers refuse to set over plain http on loopback names; there the prefix is left out. */
export interface CookieScope {
  /** True when the issuer is https. */
  secure: boolean;
}

/** The value of our cookie `name`, or undefined. */
export function readCookie(request: Request, name: string, { secure }: CookieScope): string | undefined {
  const wanted = cookieName(name, secure);
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [key, ...value] = pair.trim().split("=");
    if (key === wanted) return value.join("=");
  }
  return undefined;
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

import { noStore } from "../http/response_headers.ts";

/** 303, so that a POST is not repeated at the client's address (RFC 9700 §4.12), and nothing of it leaks onwards. */
export function redirectWith(location: string, setCookies: readonly string[] = []): Response {
  const headers = new Headers({ ...noStore, location, "referrer-policy": "no-referrer" });
  for (const cookie of setCookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}

// Which URLs the configuration accepts.
import { isIP } from "node:net";
import { got, withoutCredentials } from "./problems.ts";

/** An absolute http or https URL without user information and fragment. */
export function checkHttpUrl(value: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined && /^[\w.-]+\.[a-z]{2,}(:\d+)?(\/|$)/i.test(value)) {
    return `must be an http or https URL; write "https://${withoutCredentials(value)}"`;
  }
  if ((scheme !== "http" && scheme !== "https") || /[\s\\]/.test(value) || !URL.canParse(value)) {
    return `must be an http or https URL${got(value)}`;
  }
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") return "must not hold a user name or password";
  if (value.includes("#")) return `must not have a #fragment${got(value)}`;
  return undefined;
}

/** https, or http on loopback. */
export function checkHttpsOrLoopbackUrl(value: string): string | undefined {
  const problem = checkHttpUrl(value);
  if (problem !== undefined) return problem;
  const url = new URL(value);
  return url.protocol === "https:" || isLoopbackHost(url.hostname) ? undefined : `must be an https URL${got(value)}`;
}

/** Our own URL: what `/mcp/NAME` is appended to. */
export function checkPublicUrl(value: string): string | undefined {
  const problem = checkHttpUrl(value);
  if (problem !== undefined) return problem;
  if (value.includes("?")) return `must not have a query${got(value)}`;
  if (value.endsWith("/")) return `must not end in a slash; write "${value.replace(/\/+$/, "")}"`;
  return undefined;
}

/** True for localhost and the loopback addresses. `hostname` as URL gives it. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    (isIP(hostname) === 4 && hostname.startsWith("127."));
}

/** True for hosts that a public network does not reach: loopback, private addresses, single names and the usual inner domains. */
export function isInnerHost(hostname: string): boolean {
  if (isLoopbackHost(hostname) || /\.(local|internal|lan|home\.arpa|svc|test)$/.test(hostname)) return true;
  if (isIP(hostname) === 4) {
    return /^(10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(hostname);
  }
  if (hostname.startsWith("[")) return /^\[f([cd]|e[89ab])/.test(hostname);
  return !hostname.includes(".");
}

// Which hosts, origins, address ranges, e-mail domains and redirect URIs the configuration accepts.
import { isIP } from "node:net";
import { parseRedirectUri } from "../oauth/redirect_uri.ts";
import { nearestKey } from "./nearest_key.ts";
import { got } from "./problems.ts";

/** What `clients.redirects` knows by name. The URIs behind them live in lib/clients. */
export const redirectPresets = ["claude", "chatgpt", "cursor", "vscode", "inspector", "loopback", "https"] as const;

export const defaultRedirects: readonly string[] = redirectPresets.filter((preset) => preset !== "https");

/** First path segments that are ours on every host. */
const ownPaths = new Set([
  ".well-known",
  "authorize",
  "apps",
  "authenticate",
  "callback",
  "oauth-client",
  "token",
  "register",
  "revoke",
  "openid",
  "health",
  "healthz",
  "readyz",
  "metrics",
]);

/** `10.0.0.0/8`, `fd00::/8` or a single address. */
export function checkCidr(value: string): string | undefined {
  const [address = "", bits, more] = value.split("/");
  const version = isIP(address);
  const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  if (version !== 0 && isRange && more === undefined) return undefined;
  return `must be an address or a range such as "10.0.0.0/8"${got(value)}`;
}

/** `https://app.example.com`, as browsers send it: no path. */
export function checkOrigin(value: string): string | undefined {
  if (value === "*") return 'must name each origin, such as "https://app.example.com"; "*" would let every web page in';
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/?#\s\\@*]+)(\/?.*)$/i.exec(value);
  if (match === null || !URL.canParse(value)) return `must be an origin such as "https://app.example.com"${got(value)}`;
  return match[2] === "" ? undefined : `must be an origin without a path; write "${match[1]}"`;
}

/** A host name, with a port if it isn't the default one. */
export function checkHost(value: string): string | undefined {
  if (value.includes("*")) return `must be one exact host${got(value)}`;
  if (/^https?:\/\//i.test(value)) {
    return `must be a host without a scheme; write "${value.replace(/^https?:\/\/([^/]*).*/i, "$1")}"`;
  }
  const url = /[\s/?#@\\]/.test(value) || !URL.canParse(`https://${value}`) ? undefined : new URL(`https://${value}`);
  return url === undefined ? `must be a host such as "wiki-mcp.example.com"${got(value)}` : undefined;
}

/** The path on a host of its own. */
export function checkHostPath(value: string): string | undefined {
  if (!value.startsWith("/")) return `must start with a slash; write "/${value}"`;
  if (/[?#\s\\]|\/\/|\/\.\.?(\/|$)/.test(value)) return `must be a plain path such as "/mcp"${got(value)}`;
  if (value !== "/" && value.endsWith("/")) return `must not end in a slash; write "${value.replace(/\/+$/, "")}"`;
  if (ownPaths.has(value.split("/")[1]!)) return `is a path of the proxy itself; write another one, such as "/mcp"`;
  return undefined;
}

/** `example.com` or `*.example.com`. */
export function checkDomain(value: string): string | undefined {
  const domain = value.replace(/^\*\./, "");
  if (/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/i.test(domain)) return undefined;
  if (/[\\^$()[\]|+?{}]|\.\*/.test(value)) {
    return `is a regular expression; write each domain exactly, such as "example.com", or "*.example.com" for all below it${
      got(value)
    }`;
  }
  if (value.includes("@")) return `must be the domain alone; write "${value.slice(value.lastIndexOf("@") + 1)}"`;
  return `must be a domain such as "example.com" or "*.example.com"${got(value)}`;
}

/** An entry of `clients.redirects`: a preset's name or an exact URI. */
export function checkRedirect(value: string): string | undefined {
  if ((redirectPresets as readonly string[]).includes(value)) return undefined;
  if (value.includes(":")) return checkRegisteredRedirect(value);
  const near = nearestKey(value, redirectPresets);
  const hint = near === undefined ? `known presets are ${redirectPresets.join(", ")}` : `did you mean "${near}"?`;
  return `must be a preset or an exact URI; ${hint}${got(value)}`;
}

/** A redirect URI that a client may have. */
export function checkRegisteredRedirect(value: string): string | undefined {
  if (value.includes("*")) return `must be exact: redirect URIs have no wildcards${got(value)}`;
  if (parseRedirectUri(value) !== undefined) return undefined;
  return /^http:/i.test(value)
    ? `must be https; http is only for 127.0.0.1, [::1] and localhost${got(value)}`
    : `must be a redirect URI such as "https://agent.example.com/callback"${got(value)}`;
}

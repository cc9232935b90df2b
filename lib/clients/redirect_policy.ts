// `clients.redirects`: to which redirect URIs clients that register themselves may send their users (OAuth 2.1 §7.12.2).
import { isLoopbackRedirect, isRegisteredRedirectUri, parseRedirectUri } from "../oauth/redirect_uri.ts";
import type { Client, RefusedRedirect } from "./client.ts";
import { redirectPresets } from "./redirect_presets.ts";

export interface RedirectPolicy {
  /** Why `uri` may not be used and what the operator could write to allow it; undefined when it is allowed. */
  refusalOf(uri: string): RefusedRedirect | undefined;
}

type RegisteredRedirects = Pick<Client, "redirectUris" | "refusedRedirects">;

/**
 * The policy for one configuration.
 *
 * @param rules `clients.redirects` as written: names of presets, `loopback`, `https`, or exact URIs
 */
export function createRedirectPolicy(rules: readonly string[]): RedirectPolicy {
  return {
    refusalOf(uri) {
      if (parseRedirectUri(uri) === undefined) return { uri, reason: whatIsWrongWith(uri) };
      if (rules.some((rule) => allows(rule, uri))) return undefined;
      return {
        uri,
        reason: "is not allowed by this server's policy for redirect URIs",
        operatorHint: `[clients]\nredirects = ${printMissing(rules, missingRule(uri))}`,
      };
    },
  };
}

/** Sorts the URIs that a client registered into those that may be used and those that may not. */
export function splitRedirects(policy: RedirectPolicy, uris: readonly string[]): RegisteredRedirects {
  const refusedRedirects = uris.flatMap((uri) => policy.refusalOf(uri) ?? []);
  const refused = new Set(refusedRedirects.map(({ uri }) => uri));
  return { redirectUris: uris.filter((uri) => !refused.has(uri)), refusedRedirects };
}

/** Whether one rule allows a URI that is well-formed. */
function allows(rule: string, uri: string): boolean {
  if (rule === "loopback") return isLoopbackRedirect(uri);
  if (rule === "https") return new URL(uri).protocol === "https:";
  const preset = redirectPresets.get(rule);
  if (preset === undefined) return isRegisteredRedirectUri(uri, [rule]);
  return isRegisteredRedirectUri(uri, preset.uris) || preset.pattern?.test(uri) === true;
}

/** The narrowest rule that would allow `uri`: the preset of the client it belongs to, else `loopback`, else the URI itself. */
function missingRule(uri: string): string {
  for (const name of redirectPresets.keys()) if (allows(name, uri)) return name;
  return isLoopbackRedirect(uri) ? "loopback" : uri;
}

/**
 * The list with what is missing in it, as a line of TOML. It stands on a page that strangers see: names of presets are everybody's,
 * the URIs among `rules` are the operator's own.
 *
 * @param missing printable ASCII
 */
export function printMissing(rules: readonly string[], missing: string): string {
  const known = rules.filter((rule) => !rule.includes(":"));
  const line = `[${[...known, missing].map((item) => JSON.stringify(item)).join(", ")}]`;
  return known.length === rules.length ? line : `${line} # and the URIs that stand there already`;
}

function whatIsWrongWith(uri: string): string {
  if (uri.includes("#")) return "must not have a fragment (RFC 6749 §3.1.2)";
  if (/^http:/i.test(uri)) return "must be https; http is for 127.0.0.1, [::1] and localhost only";
  if (/^https:/i.test(uri)) {
    return "must be a plain URL without user name, spaces, backslashes or characters outside ASCII";
  }
  return "must be an absolute https URL, http on 127.0.0.1, [::1] or localhost, or a scheme of the client's own";
}

// Which scopes to ask a discovered provider for (MCP 2026-07-28, scope selection and step-up).
import { printScope } from "../oauth/scope.ts";

export interface ScopeSources {
  /** `oauth_scopes` of the configuration. */
  configured: readonly string[];
  /** `scope` of the MCP server's 401. */
  challenged?: readonly string[];
  /** `scopes_supported` of the MCP server. */
  advertised?: readonly string[];
  /** `scopes_supported` of the provider. */
  offered: readonly string[];
}

/** Scopes that clients ask every server for out of habit, whether it knows them or not. */
const habits = new Set(["openid", "profile", "email", "offline_access", "claudeai"]);

/**
 * The base (what the operator wrote, else what the MCP server's challenge says, else all that it advertises, else nothing) and
 * on top what the client asked for: after a step-up challenge that is what was missing, and a login must never take away what
 * the base gives. `offline_access` is added where the provider offers it, for without it some give no refresh token.
 */
export function selectScope(sources: ScopeSources, requested: readonly string[]): string {
  const { configured, challenged, advertised, offered } = sources;
  const base = configured.length > 0 ? configured : challenged ?? advertised ?? [];
  const known = new Set([...base, ...challenged ?? [], ...advertised ?? [], ...offered]);
  const wanted = requested.filter((scope) => known.has(scope) || !habits.has(scope));
  const lasting = offered.includes("offline_access") ? ["offline_access"] : [];
  return printScope([...new Set([...base, ...wanted, ...lasting])]);
}

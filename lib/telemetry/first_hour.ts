// Says in the log what nobody sees otherwise: a login that led to nothing, a client that goes in circles, refreshes that come too
// late. It reads the events that are logged anyway; memory is bounded, and no more than one timer runs.
import type { Fields, Log } from "./log.ts";

export interface FirstHour {
  /** Writes through, and watches. */
  log: Log;
  /** A token of this grant came to a resource. */
  tokenUsed(use: { grant: string; resource: string }): void;
}

export interface FirstHourTools {
  log: Log;
  /** Seconds since the epoch. */
  now: () => number;
  /** Calls back once after so many milliseconds. */
  schedule: (callback: () => void, afterMs: number) => void;
  /** Other replicas see other requests, so that a token not used here may be used there. */
  hasReplicas: boolean;
}

interface Issued {
  clientId: string;
  resource: string;
  issuedAt: number;
}

const unusedSeconds = 60;
const registrations = { atLeast: 5, withinSeconds: 600 };
/** One warning of a kind about a client in this time. */
const quietSeconds = 3600;
const maxEntries = 1000;

/** Where a token can't be told from others, this stands for its grant: any use counts for all of the resource. */
const anonymousGrant = "raw";

export function watchFirstHour({ log, now, schedule, hasReplicas }: FirstHourTools): FirstHour {
  /** Grants whose tokens were not used yet, oldest first. */
  const unused = new Map<string, Issued>();
  /** When a client registered since it last got a token. */
  const registered = new Map<string, number[]>();
  const warned = new Map<string, number>();
  let sweeping = false;

  function warn(event: string, fields: Fields): void {
    const key = `${event} ${fields.client_id} ${fields.resource}`;
    if (now() < (warned.get(key) ?? 0)) return;
    remember(warned, key, now() + quietSeconds);
    log.warning(event, fields);
  }

  function sweep(): void {
    sweeping = false;
    for (const [grant, { clientId, resource, issuedAt }] of unused) {
      if (now() - issuedAt < unusedSeconds) break;
      unused.delete(grant);
      warn("token_never_used", {
        client_id: clientId,
        resource,
        seconds: unusedSeconds,
        likely_cause: "the client can't reach the MCP endpoint: an edge rule against bots, or one that drops the " +
          "Authorization header; mcp-oauth-proxy doctor <url> names it",
      });
    }
    sweepLater();
  }

  function sweepLater(): void {
    if (sweeping || unused.size === 0) return;
    sweeping = true;
    schedule(sweep, 15_000);
  }

  const watchers: Record<string, (fields: Fields) => void> = {
    token_issued({ grant, grant_type: grantType, client_id: clientId, resource }) {
      registered.delete(String(clientId));
      if (grantType !== "authorization_code" || hasReplicas) return;
      remember(unused, String(grant), { clientId: String(clientId), resource: String(resource), issuedAt: now() });
      sweepLater();
    },
    client_registered({ client_id: clientId }) {
      const since = now() - registrations.withinSeconds;
      const recent = (registered.get(String(clientId)) ?? []).filter((at) => at > since).slice(-registrations.atLeast);
      remember(registered, String(clientId), [...recent, now()]);
      if (recent.length + 1 < registrations.atLeast) return;
      warn("client_keeps_registering", {
        client_id: clientId,
        times: recent.length + 1,
        likely_cause:
          "it registers and never gets a token: the browser does not reach /authorize, or an edge rule blocks " +
          "the client at /token; mcp-oauth-proxy doctor <url> looks at both",
      });
    },
    refresh_token_refused({ client_id: clientId, resource, reason }) {
      warn("refresh_too_late", {
        client_id: clientId,
        resource,
        reason,
        likely_cause: reason === "expired"
          ? "the client was away for longer than tokens.refresh_token_ttl"
          : "the client sent a refresh token again after tokens.refresh_grace: it did not get, or not keep, the answer; or it " +
            "was stolen",
      });
    },
  };

  const info: Log["info"] = (event, fields = {}) => {
    log.info(event, fields);
    watchers[event]?.(fields);
  };
  return {
    log: { ...log, info },
    tokenUsed({ grant, resource }) {
      if (unused.size === 0) return;
      unused.delete(grant);
      if (grant !== anonymousGrant) return;
      for (const [each, issued] of unused) if (issued.resource === resource) unused.delete(each);
    },
  };
}

/** The newest last; the oldest goes when there are too many. */
function remember<T>(entries: Map<string, T>, key: string, value: T): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size > maxEntries) entries.delete(entries.keys().next().value!);
}

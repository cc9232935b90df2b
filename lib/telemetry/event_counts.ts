// Events that are counted when they are logged, so that log and metrics can't tell different stories. Levels don't matter here.
import type { Fields, Level, Log } from "./log.ts";
import { createBoundedLabel } from "./metric_labels.ts";
import type { Metrics } from "./metrics.ts";

/** Event -> `reason` of downstream_errors_total. */
const downstreamReasons: Readonly<Record<string, string>> = {
  downstream_unreachable: "unreachable",
  downstream_timed_out: "timed_out",
  downstream_broke_off: "broke_off",
  downstream_answered_5xx: "answered_5xx",
  downstream_answered_html: "answered_html",
  downstream_redirected: "redirected",
  downstream_refused_credential: "refused_credential",
  legacy_endpoint_refused: "legacy_endpoint_refused",
  tool_scopes_not_discovered: "tool_scopes_not_discovered",
};

/** Event -> `reason` of provider_errors_total. */
const providerReasons: Readonly<Record<string, string>> = {
  provider_unavailable: "unavailable",
  provider_broken: "broken",
  provider_exchange_failed: "exchange_failed",
  provider_refresh_failed: "refresh_failed",
  provider_not_discovered: "not_discovered",
  provider_revocation_failed: "revocation_failed",
  provider_forgot_us: "forgot_us",
};

const counted = new Set([
  ...Object.keys(downstreamReasons),
  ...Object.keys(providerReasons),
  ...["authorization_code_issued", "authorization_refused", "token_issued", "token_refused"],
]);

const levels: readonly Level[] = ["fatal", "error", "warning", "info", "debug", "trace"];

/** Every `reason` there is, for the documentation and its test. */
export const countedReasons = {
  downstream: Object.values(downstreamReasons),
  provider: Object.values(providerReasons),
};

/** Providers that downstreams name, and their names, come from outside; so many get a label of their own. */
const maxProviders = 100;

/** The log, with counters beside it. @param strategies of the resources, by their names */
export function countEvents(log: Log, metrics: Metrics, strategies: ReadonlyMap<string, string>): Log {
  for (const [resource, strategy] of strategies) metrics.expectResource({ resource, strategy });
  const strategyOf = (resource: string) => strategies.get(resource) ?? "none";
  const providerLabel = createBoundedLabel(maxProviders);

  function count(event: string, fields: Fields): void {
    if (!counted.has(event)) return;
    const resource = String(fields.resource ?? "none");
    if (Object.hasOwn(downstreamReasons, event)) {
      return metrics.downstreamFailed({ resource, reason: downstreamReasons[event]! });
    }
    if (Object.hasOwn(providerReasons, event)) {
      const provider = providerLabel(String(fields.provider ?? resource));
      return metrics.providerFailed({ provider, reason: providerReasons[event]! });
    }
    switch (event) {
      case "authorization_code_issued":
        return metrics.loginEnded({ resource, strategy: strategyOf(resource), outcome: "granted" });
      case "authorization_refused":
        return metrics.loginEnded({ resource, strategy: strategyOf(resource), outcome: String(fields.error) });
      case "token_issued":
        if (fields.grant_type === "refresh_token") metrics.refreshEnded({ resource, outcome: "issued" });
        return;
      case "token_refused":
        if (fields.grant_type === "refresh_token") metrics.refreshEnded({ resource, outcome: String(fields.error) });
        return;
    }
  }

  const counting = levels.map((level) => [level, (event: string, fields: Fields = {}) => {
    count(event, fields);
    log[level](event, fields);
  }]);
  return Object.fromEntries(counting) as Log;
}

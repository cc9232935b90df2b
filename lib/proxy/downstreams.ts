// Where the traffic of each resource goes, and by which rules: worked out once. Apart from what serves a request, because what
// stands beside these closures lives as long as they do: a stream would keep its request.
import type { Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { ExchangeRules } from "./exchange.ts";

export interface Downstream {
  /** Nobody changes it. */
  url: URL;
  /** The end of the paths under which the resource is published. */
  ownPath: string;
  exchangeRules: ExchangeRules;
}

export interface DownstreamTools {
  log: Log;
  metrics: Pick<Metrics, "bytesCarried">;
  idleTimeoutSeconds: number;
}

/** @throws OAuthError 404 where the resource has none */
export function createDownstreams(tools: DownstreamTools): (resource: Resource) => Downstream {
  const known = new WeakMap<Resource, Downstream>();
  return (resource) => {
    let downstream = known.get(resource);
    if (downstream === undefined) known.set(resource, downstream = createDownstream(resource, tools));
    return downstream;
  };
}

function createDownstream(
  { name, ownHost, downstreamUrl }: Resource,
  { log, metrics, idleTimeoutSeconds }: DownstreamTools,
): Downstream {
  if (downstreamUrl === undefined) {
    throw new OAuthError("invalid_request", "this proxy does not carry the traffic of this MCP server", {
      status: 404,
      operatorHint: `set downstream.${name}.downstream_url`,
    });
  }
  return {
    url: new URL(downstreamUrl),
    ownPath: ownHost === undefined ? `/mcp/${name}` : ownHost.path.replace(/\/$/, ""),
    exchangeRules: {
      idleTimeoutMs: idleTimeoutSeconds * 1000,
      idleError() {
        log.warning("downstream_timed_out", { resource: name, idle_seconds: idleTimeoutSeconds });
        return timedOut(idleTimeoutSeconds);
      },
      onBytes: (direction, bytes) => metrics.bytesCarried(name, direction, bytes),
    },
  };
}

function timedOut(seconds: number): OAuthError {
  return new OAuthError("temporarily_unavailable", `nothing moved for ${seconds} s, so the proxy gave up waiting`, {
    status: 504,
    operatorHint: "server.idle_timeout sets the limit in seconds",
  });
}

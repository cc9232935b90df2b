// One line per request, and the id that ties a page, an answer and the log together.
import { randomBytes } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Log } from "./log.ts";
import { methodLabel, statusLabel } from "./metric_labels.ts";
import type { Metrics, RequestLabels } from "./metrics.ts";
import type { OpenSpan, Tracing } from "./tracing.ts";

/** What is known of a request while it is served; endpoints add to it. */
export interface RequestFacts {
  requestId: string;
  /** The path as app.ts writes it; absent when nothing is published there. */
  route?: string;
  /** Name of the resource it was for. */
  resource?: string;
  /** The audit stream has a line of its own for it. */
  audited?: boolean;
  /** Where requests are traced. */
  span?: OpenSpan | undefined;
}

export interface RequestLogTools {
  log: Log;
  metrics: Metrics;
  tracing: Tracing | undefined;
  hostLabel: (host: string | undefined) => string;
}

type Env = { Variables: { facts: RequestFacts; forwarded?: { host?: string } } };

const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const probes = new Set(["/health", "/healthz", "/readyz", "/metrics"]);

/** Logs and measures: method, path without query, status and the time until the head of the answer was known. */
export function requestLog({ log, metrics, tracing, hostLabel }: RequestLogTools): MiddlewareHandler<Env> {
  return async (c, next) => {
    const started = performance.now();
    const facts: RequestFacts = { requestId: randomBytes(9).toString("base64url") };
    c.set("facts", facts);
    const isProbe = probes.has(c.req.path);
    if (tracing !== undefined && !isProbe) facts.span = tracing.begin(c.req.header("traceparent") ?? null);
    await next();
    const ms = performance.now() - started;
    const labels = {
      host: hostLabel(c.get("forwarded")?.host ?? c.req.header("host")),
      method: methodLabel(c.req.method),
      path: facts.route ?? "other",
      status: statusLabel(c.res.status),
    };
    metrics.requestServed(labels, ms / 1000);
    if (facts.span !== undefined) endSpan(facts.span, { labels, facts, status: c.res.status });
    log[facts.audited || isProbe ? "debug" : "info"]("request_served", {
      request_id: facts.requestId,
      method: knownMethods.has(c.req.method) ? c.req.method : "other",
      path: pathWithoutSecrets(c.req.path),
      status: c.res.status,
      ms: Math.round(ms * 10) / 10,
      ...(facts.resource === undefined ? {} : { resource: facts.resource }),
    });
  };
}

/** Semantic conventions for HTTP server spans; the values are the metrics' own, so they hold nothing of a stranger's. */
function endSpan(
  span: OpenSpan,
  { labels, facts, status }: { labels: RequestLabels; facts: RequestFacts; status: number },
): void {
  span.end(`${labels.method} ${labels.path}`, {
    "http.request.method": labels.method === "other" ? "_OTHER" : labels.method,
    "http.route": labels.path,
    "http.response.status_code": status,
    "server.address": labels.host,
    "mcp_oauth_proxy.request_id": facts.requestId,
    ...(facts.resource === undefined ? {} : { "mcp_oauth_proxy.resource": facts.resource }),
  }, status >= 500);
}

/** A legacy endpoint's path holds a sealed reference; it says nothing to a reader and does not belong in a log. */
function pathWithoutSecrets(path: string): string {
  return path.replace(/[A-Za-z0-9_.-]{80,}/g, "…").slice(0, 200);
}

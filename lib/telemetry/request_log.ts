// One line per request, and the id that ties a page, an answer and the log together.
import { isLogged, type Log } from "./log.ts";
import { methodLabel, statusLabel } from "./metric_labels.ts";
import type { Metrics, RequestLabels } from "./metrics.ts";
import { freshRequestId } from "./request_id.ts";
import type { OpenSpan, Tracing } from "./tracing.ts";

/** What is known of a request while it is served; endpoints add to it. */
export interface RequestFacts {
  requestId: string;
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

const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const probes = new Set(["/health", "/healthz", "/readyz", "/metrics"]);

export interface LoggedRequest {
  request: Request;
  /** Its URL, parsed. */
  url: Pick<URL, "pathname">;
  /** The path as app.ts writes it; undefined where nothing is published. */
  path: string | undefined;
  /** What a trusted proxy says that the client asked for. */
  host: string | undefined;
  /** From here on. */
  facts?: RequestFacts;
}

export interface Logged<R extends LoggedRequest> {
  answer(routed: R): Response | Promise<Response>;
  /** What is answered instead when `answer` throws. */
  failed(error: unknown, routed: R): Response | Promise<Response>;
}

/** Logs and measures: method, path without query, status and the time until the head of the answer was known. */
export type RequestLog = <R extends LoggedRequest>(request: R, route: Logged<R>) => Promise<Response>;

export function createRequestLog({ log, metrics, tracing, hostLabel }: RequestLogTools): RequestLog {
  return async (logged, route) => {
    const { request: { method, headers }, url: { pathname }, path = "other", host } = logged;
    const started = performance.now();
    const facts: RequestFacts = { requestId: freshRequestId() };
    const isProbe = probes.has(pathname);
    if (tracing !== undefined && !isProbe) facts.span = tracing.begin(headers.get("traceparent"));
    logged.facts = facts;
    let response: Response;
    try {
      response = await route.answer(logged);
    } catch (error) {
      response = await route.failed(error, logged);
    }
    const ms = performance.now() - started;
    const labels = {
      host: hostLabel(host ?? headers.get("host") ?? undefined),
      method: methodLabel(method),
      path,
      status: statusLabel(response.status),
    };
    metrics.requestServed(labels, ms / 1000);
    if (facts.span !== undefined) endSpan(facts.span, { labels, facts, status: response.status });
    const level = facts.audited || isProbe ? "debug" : "info";
    if (!isLogged(level)) return response;
    log[level]("request_served", {
      request_id: facts.requestId,
      method: knownMethods.has(method) ? method : "other",
      path: pathWithoutSecrets(pathname),
      status: response.status,
      ms: Math.round(ms * 10) / 10,
      ...(facts.resource === undefined ? {} : { resource: facts.resource }),
    });
    return response;
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

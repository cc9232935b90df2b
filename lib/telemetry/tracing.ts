// One span for each request, when a collector is named (OpenTelemetry): W3C Trace Context in and out, OTLP/HTTP as JSON.
import { randomBytes } from "node:crypto";
import type { Log } from "./log.ts";
import { createSpanQueue, type SpanQueue } from "./span_queue.ts";

/** A request on its way through us. */
export interface OpenSpan {
  /** For the downstream: our span as its parent. */
  traceparent: string;
  /** @param attributes semantic conventions for HTTP; never a query, a token or an argument */
  end(name: string, attributes: Readonly<Record<string, string | number>>, failed: boolean): void;
}

export interface Tracing {
  /** Undefined where whoever sent the request says that it is not to be recorded; its own header then goes on as it came. */
  begin(traceparent: string | null): OpenSpan | undefined;
  /** Sends what is left; gives up after two seconds. */
  close(): Promise<void>;
}

export interface TracingTools {
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  fetch: typeof fetch;
  log: Log;
}

/** As the OTEL_* variables say; undefined when no collector is named. */
export function createTracing({ env, version, fetch, log }: TracingTools): Tracing | undefined {
  const url = collectorUrl(env);
  if (url === undefined || env.OTEL_SDK_DISABLED === "true") return undefined;
  if (!URL.canParse(url) || /^grpc/.test(env.OTEL_EXPORTER_OTLP_PROTOCOL ?? "")) {
    log.error("tracing_not_started", { advice: "OTEL_EXPORTER_OTLP_ENDPOINT takes the URL of an OTLP/HTTP receiver" });
    return undefined;
  }
  const queue = createSpanQueue({
    url,
    headers: headersOf(env.OTEL_EXPORTER_OTLP_HEADERS ?? ""),
    service: { name: env.OTEL_SERVICE_NAME ?? "mcp-oauth-proxy", version },
    fetch,
    log,
  });
  return { begin: (traceparent) => begin(queue, traceparent), close: queue.close };
}

function begin(queue: SpanQueue, received: string | null): OpenSpan | undefined {
  const parent = parseTraceparent(received);
  if (parent !== undefined && !parent.sampled) return undefined;
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  const startedAt = performance.now();
  return {
    traceparent: `00-${traceId}-${spanId}-01`,
    end(name, attributes, failed) {
      queue.add({
        traceId,
        spanId,
        parentId: parent?.spanId,
        name,
        startedAt,
        endedAt: performance.now(),
        attributes,
        failed,
      });
    },
  };
}

/** Trace Context §3.2; undefined for what is none, of which nothing counts. */
export function parseTraceparent(
  header: string | null,
): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** OpenTelemetry Protocol Exporter: the traces endpoint as it is, or the common one with `v1/traces`. */
function collectorUrl(env: TracingTools["env"]): string | undefined {
  if (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return base ? `${base.replace(/\/$/, "")}/v1/traces` : undefined;
}

/** `name=value,name=value`, values percent-encoded; pairs that could not stand in a header are left out. */
function headersOf(text: string): Headers {
  const headers = new Headers();
  for (const pair of text.split(",")) {
    const [, name, value] = /^\s*([\w-]+)\s*=\s*([\x21-\x7e]+(?: [\x21-\x7e]+)*)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined) headers.set(name, unescapePercent(value));
  }
  return headers;
}

function unescapePercent(value: string): string {
  return value.replace(/%(2[0-9A-F]|3[0-9A-F]|4[0-9A-F]|5[0-9A-F]|6[0-9A-F]|7[0-9A-E])/gi, decodeURIComponent);
}

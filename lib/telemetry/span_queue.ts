// Spans on their way to the collector: a bounded queue, sent in batches beside the work. A collector that is down costs spans
// and nothing else.
import type { Log } from "./log.ts";

export interface Span {
  /** Hex, 32 and 16 characters. */
  traceId: string;
  spanId: string;
  parentId: string | undefined;
  name: string;
  /** By `performance.now()`. */
  startedAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, string | number>>;
  failed: boolean;
}

export interface SpanQueue {
  add(span: Span): void;
  close(): Promise<void>;
}

export interface SpanQueueTools {
  url: string;
  headers: Headers;
  service: { name: string; version: string };
  fetch: typeof fetch;
  log: Log;
}

const maxQueued = 2_048;
const batchSize = 512;
const everyMs = 5_000;
const timeoutMs = 10_000;
const lastTimeoutMs = 2_000;

export function createSpanQueue({ url, headers, service, fetch, log }: SpanQueueTools): SpanQueue {
  let queued: Span[] = [];
  let dropped = 0;
  let isSending = false;
  let isFailing = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function send(withinMs: number): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const batch = queued.splice(0, batchSize);
    if (batch.length === 0) return;
    isSending = true;
    try {
      const body = JSON.stringify(exportRequest(batch, service));
      const init = {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(withinMs),
      } as const;
      const answer = await fetch(url, init);
      await answer.body?.cancel();
      if (!answer.ok) throw new Error(`the collector answered ${answer.status}`);
      if (isFailing) log.info("traces_exported_again", { dropped });
      isFailing = false;
      dropped = 0;
    } catch (error) {
      dropped += batch.length;
      if (!isFailing) {
        log.warning("traces_not_exported", { reason: error instanceof Error ? error.message : "unknown" });
      }
      isFailing = true;
    } finally {
      isSending = false;
    }
  }

  /** One batch at a time; the next at once while batches are full. */
  async function sendDue(): Promise<void> {
    do await send(timeoutMs); while (queued.length >= batchSize);
    if (queued.length > 0) schedule();
  }

  function schedule(): void {
    timer ??= setTimeout(() => void sendDue(), everyMs).unref();
  }

  headers.set("content-type", "application/json");
  return {
    add(span) {
      if (queued.length >= maxQueued) return void dropped++;
      queued.push(span);
      if (isSending) return;
      if (queued.length >= batchSize) void sendDue();
      else schedule();
    },
    async close() {
      const until = performance.now() + lastTimeoutMs;
      while (queued.length > 0 && performance.now() < until) await send(until - performance.now());
      queued = [];
    },
  };
}

/** ExportTraceServiceRequest in OTLP's JSON mapping: ids in hex, 64-bit numbers as text. */
function exportRequest(spans: readonly Span[], service: { name: string; version: string }) {
  const resource = { attributes: attributesOf({ "service.name": service.name, "service.version": service.version }) };
  return {
    resourceSpans: [{
      resource,
      scopeSpans: [{ scope: { name: "mcp-oauth-proxy", version: service.version }, spans: spans.map(spanOf) }],
    }],
  };
}

function spanOf({ traceId, spanId, parentId, name, startedAt, endedAt, attributes, failed }: Span) {
  return {
    traceId,
    spanId,
    ...(parentId === undefined ? {} : { parentSpanId: parentId }),
    name,
    kind: 2, // SPAN_KIND_SERVER
    startTimeUnixNano: unixNano(startedAt),
    endTimeUnixNano: unixNano(endedAt),
    attributes: attributesOf(attributes),
    status: failed ? { code: 2 } : {}, // STATUS_CODE_ERROR
  };
}

function attributesOf(attributes: Readonly<Record<string, string | number>>) {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: String(value) },
  }));
}

/** Whole microseconds, which is what the clock tells. */
function unixNano(at: number): string {
  return `${Math.round((performance.timeOrigin + at) * 1000)}000`;
}

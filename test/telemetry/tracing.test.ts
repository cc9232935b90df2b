import assert from "node:assert/strict";
import { test } from "node:test";
import { createTracing, parseTraceparent } from "../../lib/telemetry/tracing.ts";
import { eventually } from "../support/eventually.ts";
import { recordedLog } from "../support/recorded_log.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318/" };

interface Exported {
  url: string;
  headers: Headers;
  body: { resourceSpans: [{ resource: { attributes: unknown }; scopeSpans: [{ spans: ExportedSpan[] }] }] };
}

interface ExportedSpan {
  traceId: string;
  spanId: string;
  status: unknown;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

/** Tracing towards a collector that answers as the test says. */
function setUp(
  env: Record<string, string>,
  answer: () => Promise<Response> = () => Promise.resolve(new Response("{}")),
) {
  const exported: Exported[] = [];
  const { log, events } = recordedLog();
  const fetch = ((url: string, init: RequestInit) => {
    exported.push({ url, headers: new Headers(init.headers), body: JSON.parse(String(init.body)) });
    return answer();
  }) as unknown as typeof globalThis.fetch;
  return { tracing: createTracing({ env, version: "1.2.3", fetch, log }), exported, events };
}

const spansOf = ({ body }: Exported) => body.resourceSpans[0].scopeSpans[0].spans;

test("W3C Trace Context §3.2: what is a traceparent, and what is none", () => {
  assert.deepEqual(parseTraceparent(`00-${traceId}-${parentId}-01`), { traceId, spanId: parentId, sampled: true });
  assert.equal(parseTraceparent(`00-${traceId}-${parentId}-00`)!.sampled, false);
  assert.equal(parseTraceparent(`01-${traceId}-${parentId}-03-more`)!.sampled, true);
  for (
    const none of [
      null,
      "",
      `ff-${traceId}-${parentId}-01`,
      `00-${traceId}-${parentId}-01-more`,
      `00-${traceId.toUpperCase()}-${parentId}-01`,
      `00-${"0".repeat(32)}-${parentId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId}-${parentId}`,
    ]
  ) assert.equal(parseTraceparent(none), undefined, String(none));
});

test("no collector named, or the SDK disabled: nothing is traced", () => {
  assert.equal(setUp({}).tracing, undefined);
  assert.equal(setUp({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }).tracing, undefined);
  assert.equal(setUp({ ...endpoint, OTEL_SDK_DISABLED: "true" }).tracing, undefined);
});

test("a collector that can't be spoken to is an error in the log, not a failed start", () => {
  for (
    const env of [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }, { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }]
  ) {
    const { tracing, events } = setUp(env);
    assert.equal(tracing, undefined);
    assert.deepEqual(events.map(({ event }) => event), ["tracing_not_started"]);
  }
});

test("a span belongs to the trace that came in, and the downstream's to ours (OTLP 1.x, JSON)", async () => {
  const { tracing, exported } = setUp({
    ...endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b, broken",
    OTEL_SERVICE_NAME: "gate",
  });
  const before = Date.now();
  const span = tracing!.begin(`00-${traceId}-${parentId}-01`)!;
  const [, sentTrace, sentSpan, flags] = /^00-(\w{32})-(\w{16})-(\w{2})$/.exec(span.traceparent)!;
  assert.deepEqual([sentTrace, flags], [traceId, "01"]);
  assert.notEqual(sentSpan, parentId);
  span.end("POST /mcp/:name", { "http.route": "/mcp/:name", "http.response.status_code": 502 }, true);
  await tracing!.close();
  assert.equal(exported.length, 1);
  const [{ url, headers, body }] = exported as [Exported];
  assert.equal(url, "http://collector.test:4318/v1/traces");
  assert.deepEqual([headers.get("content-type"), headers.get("x-key")], ["application/json", "a b"]);
  assert.deepEqual(body.resourceSpans[0].resource.attributes, [
    { key: "service.name", value: { stringValue: "gate" } },
    { key: "service.version", value: { stringValue: "1.2.3" } },
  ]);
  const { startTimeUnixNano, endTimeUnixNano, ...sent } = spansOf(exported[0]!)[0]!;
  assert.deepEqual(sent, {
    traceId,
    spanId: sentSpan,
    parentSpanId: parentId,
    name: "POST /mcp/:name",
    kind: 2,
    attributes: [
      { key: "http.route", value: { stringValue: "/mcp/:name" } },
      { key: "http.response.status_code", value: { intValue: "502" } },
    ],
    status: { code: 2 },
  });
  assert.match(startTimeUnixNano, /^\d{19}$/);
  assert.ok(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano));
  assert.ok(Math.abs(Number(startTimeUnixNano) / 1e6 - before) < 60_000, "the clock is the wall's");
});

test("without a trace a new one begins; one that is not sampled is left alone", async () => {
  const { tracing, exported } = setUp(endpoint);
  assert.equal(tracing!.begin(`00-${traceId}-${parentId}-00`), undefined);
  const fresh = tracing!.begin("nonsense")!;
  fresh.end("GET /", {}, false);
  await tracing!.close();
  const span = spansOf(exported[0]!)[0]!;
  assert.equal(fresh.traceparent, `00-${span.traceId}-${span.spanId}-01`);
  assert.equal("parentSpanId" in span, false);
  assert.deepEqual(span.status, {});
});

test("a collector that is down costs spans and one line in the log, never a request or memory", async () => {
  let up = false;
  const { tracing, exported, events } = setUp(
    endpoint,
    () => up ? Promise.resolve(new Response("{}")) : Promise.reject(new TypeError("connection refused")),
  );
  const burst = (spans: number) => {
    for (let i = 0; i < spans; i++) tracing!.begin(null)!.end("GET /", {}, false);
  };
  burst(10_000); // nobody takes them meanwhile
  await eventually(async () => assert.equal(exported.length, 5)); // 512 under way and 2,048 waiting, in batches of 512
  assert.ok(exported.every((each) => spansOf(each).length === 512));
  assert.deepEqual(events.map(({ event }) => event), ["traces_not_exported"]);
  up = true;
  burst(512);
  await eventually(async () => assert.equal(events.at(-1)!.event, "traces_exported_again"));
  assert.equal(events.at(-1)!.fields.dropped, 10_000);
  await tracing!.close();
});

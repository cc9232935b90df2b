// Trace context through the proxy, and spans at a collector, as both ends see them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { freePort } from "../support/free_port.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const traced = { "traceparent": `00-${traceId}-${parentId}-01`, "tracestate": "vendor=a:b,other=1" };

let downstream: RecordingDownstream;
before(async () => {
  downstream = await recordingDownstream();
});
after(() => downstream[Symbol.asyncDispose]());

/** A call with trace context, as the downstream sees it. */
async function callTraced(env: Record<string, string>) {
  const toml = `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`;
  const proxy = await startProxy({ toml, env });
  const client = await createTestClient(proxy.url, "notes");
  const { access_token } = await client.signIn();
  const answer = await client.mcp(access_token!, { method: "POST", headers: traced, body: "{}" });
  assert.equal(answer.status, 200);
  return { proxy, headers: downstream.requests.at(-1)!.headers };
}

interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
}

/** A collector, and all spans that it was sent. */
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, answer) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => body += chunk).on("end", () => {
      bodies.push(body);
      answer.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => bodies.join("\n"),
    spans: () => bodies.flatMap((body) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans as ReceivedSpan[]),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("S1-49: trace context goes up as it came", async () => {
  const { proxy, headers } = await callTraced({});
  await proxy.stop();
  assert.deepEqual([headers.traceparent, headers.tracestate], [traced.traceparent, traced.tracestate]);
});

test("issue 7: with a collector, our span stands between the caller's and the MCP server's, and the last ones are sent at the end", async () => {
  const collector = await startCollector();
  try {
    const { proxy, headers } = await callTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    assert.equal(await proxy.stop(), 0);
    const call = collector.spans().find(({ name }) => name === "POST /mcp/:name")!;
    assert.deepEqual([call.traceId, call.parentSpanId], [traceId, parentId]);
    assert.equal(headers.traceparent, `00-${traceId}-${call.spanId}-01`);
    assert.equal(headers.tracestate, traced.tracestate);
    assert.ok(collector.spans().some(({ name }) => name === "POST /token/mcp/:name"));
    assert.doesNotMatch(collector.text(), /the-key|code_challenge|eyJ/);
  } finally {
    collector.close();
  }
});

test("issue 7: a collector that is down slows and breaks nothing", async () => {
  const { proxy } = await callTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
  assert.equal(await proxy.stop(), 0);
  assert.match(proxy.output(), /"event":"traces_not_exported"/);
});

// The `endpoint` event of legacy HTTP+SSE, wherever the network cuts the stream.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EndpointRefusedError, resolveEndpoint, rewriteEndpointEvent } from "../../lib/proxy/legacy_sse.ts";

const rewrite = (endpoint: string) => `/mcp/fake?was=${endpoint}`;

function run(stream: string, cuts: readonly number[]): string {
  const bytes = Buffer.from(stream);
  const edit = rewriteEndpointEvent(rewrite);
  const ends = [...cuts, bytes.length];
  const parts = ends.map((end, index) => edit.push(bytes.subarray(index === 0 ? 0 : ends[index - 1], end)));
  return Buffer.concat([...parts, edit.end()]).toString();
}

const rest = "event: message\ndata: é endpoint\n\n";

for (
  const [name, stream, expected] of [
    ["LF", `event: endpoint\ndata: /m?s=1\n\n${rest}`, `event: endpoint\ndata: /mcp/fake?was=/m?s=1\n\n${rest}`],
    [
      "CRLF",
      `event: endpoint\r\ndata: /m?s=1\r\n\r\n${rest}`,
      `event: endpoint\r\ndata: /mcp/fake?was=/m?s=1\r\n\r\n${rest}`,
    ],
    ["CR", `event: endpoint\rdata: /m?s=1\r\r${rest}`, `event: endpoint\rdata: /mcp/fake?was=/m?s=1\r\r${rest}`],
    [
      "data before event, no space",
      `data:/m\nevent:endpoint\n\n${rest}`,
      `data: /mcp/fake?was=/m\nevent:endpoint\n\n${rest}`,
    ],
    [
      "comments and blank lines before it",
      `: hello\n\n\r\n: again\n\nevent: endpoint\ndata: /m\n\n${rest}`,
      `: hello\n\n\r\n: again\n\nevent: endpoint\ndata: /mcp/fake?was=/m\n\n${rest}`,
    ],
    [
      "id and comment inside it",
      `id: 7\n: c\nevent: endpoint\ndata: /é\nretry: 5\n\n${rest}`,
      `id: 7\n: c\nevent: endpoint\ndata: /mcp/fake?was=/é\nretry: 5\n\n${rest}`,
    ],
    [
      "two lines of data around one that ends in CR",
      `data: /m\nevent:endpoint\rdata: n\n\n${rest}`,
      `data: /mcp/fake?was=/m\nn\nevent:endpoint\r:\n\n${rest}`,
    ],
    ["another first event", `${rest}event: endpoint\ndata: /m\n\n`, `${rest}event: endpoint\ndata: /m\n\n`],
    ["no first event at all", `event: endpoint\ndata: /m\n`, `event: endpoint\ndata: /m\n`],
    ["an endpoint without data", `event: endpoint\n\n${rest}`, `event: endpoint\n\n${rest}`],
  ] as const
) {
  test(`S1-47: endpoint event, ${name}, cut anywhere`, () => {
    const { length } = Buffer.from(stream);
    for (let first = 0; first <= length; first++) {
      assert.equal(run(stream, [first]), expected, `cut at ${first}`);
      assert.equal(run(stream, [first, Math.min(first + 1, length)]), expected, `cut around ${first}`);
    }
    assert.equal(run(stream, Array.from({ length }, (_, index) => index)), expected, "byte by byte");
  });
}

test("what is no endpoint event goes on at once, as soon as that is known", () => {
  const edit = rewriteEndpointEvent(rewrite);
  assert.equal(Buffer.from(edit.push(Buffer.from(": ping\n\n"))).toString(), ": ping\n\n");
  assert.equal(edit.push(Buffer.from("data: {")).length, 0);
  assert.equal(Buffer.from(edit.push(Buffer.from("}\n\ndata: 2"))).toString(), "data: {}\n\ndata: 2");
  assert.equal(Buffer.from(edit.push(Buffer.from("x"))).toString(), "x");
});

test("a first event of more than 64 KiB is no endpoint and is not held back", () => {
  const edit = rewriteEndpointEvent(rewrite);
  const long = Buffer.from(`data: ${"x".repeat(70_000)}`);
  assert.deepEqual(Buffer.from(edit.push(long)), long);
});

test("an endpoint is resolved against the downstream's URL, and only on its origin", () => {
  const downstream = "https://mcp.example.com/v1/sse";
  for (
    const [endpoint, expected] of [
      ["/messages?s=1", "https://mcp.example.com/messages?s=1"],
      ["messages/1", "https://mcp.example.com/v1/messages/1"],
      ["?s=1", "https://mcp.example.com/v1/sse?s=1"],
      ["https://MCP.example.com:443/m#x", "https://mcp.example.com/m"],
      ["//mcp.example.com/m", "https://mcp.example.com/m"],
    ] as const
  ) assert.equal(resolveEndpoint(endpoint, downstream).href, expected);
  for (
    const endpoint of [
      "https://evil.example/m",
      "//evil.example/m",
      "/\\evil.example/m",
      "http://mcp.example.com/m",
      "https://mcp.example.com:8443/m",
      "https://user:pw@mcp.example.com/m",
      "javascript:alert(1)",
      "http://[",
    ]
  ) assert.throws(() => resolveEndpoint(endpoint, downstream), EndpointRefusedError, endpoint);
});

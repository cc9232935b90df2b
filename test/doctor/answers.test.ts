// What the doctor makes of answers, against a server that gives them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tools } from "../../lib/doctor/ask.ts";
import { examineChallenge } from "../../lib/doctor/challenge.ts";
import { examineClock } from "../../lib/doctor/clock.ts";
import { examineDocuments } from "../../lib/doctor/documents.ts";
import { examine } from "../../lib/doctor/examine.ts";
import { examineStream } from "../../lib/doctor/stream.ts";
import { type Behaviour, hang, html, json, redirect, startFakeMcpServer } from "../support/fake_mcp_server.ts";

const tools: Tools = { fetch: globalThis.fetch, nowMs: () => 1_000_000_000_000, timeoutMs: 5000 };

async function at<T>(behaviour: Behaviour, use: (url: URL) => Promise<T>): Promise<T> {
  const server = await startFakeMcpServer(behaviour);
  try {
    return await use(new URL(server.url));
  } finally {
    await server.close();
  }
}

const challenged = (header: string) => json({}, { status: 401, headers: { "www-authenticate": header } });
for (
  const [what, behaviour, expected] of [
    ["it answers without a token", json({}), /answers 200 without a token.*→ have the edge forward to mcp-oauth-proxy/],
    ["the edge has a login page", html, /answers 200 without a token/],
    ["the edge redirects", redirect("https://login.example/?next=secret"), /redirects to https:\/\/login\.example\/ →/],
    ["the edge has basic authentication", challenged("Basic realm=x"), /asks for Basic and not for Bearer/],
    ["the challenge is another one's", challenged("Bearer"), /names no resource_metadata/],
    [
      "the challenge leads elsewhere",
      challenged(`Bearer resource_metadata="https://b.example/x"`),
      /sends clients to https:\/\/b\.example\/x.*→ set server\.public_url/,
    ],
    ["the proxy is down", json({}, { status: 502 }), /502: the edge gets no answer from the proxy →/],
    [
      "Cloudflare's own trouble",
      json({}, { status: 522, headers: { "cf-ray": "1" } }),
      /522: the edge gets no answer from the proxy/,
    ],
    [
      "the path is unknown",
      json({ error: "unknown downstream" }, { status: 404 }),
      /reaches the proxy, which publishes/,
    ],
    ["the edge asks for a login", json({}, { status: 403 }), /is refused before it reaches the proxy \(403\)/],
  ] as const
) {
  test(`doctor: ${what}`, async () => {
    const [found, ...others] = await at(behaviour, (url) => examineChallenge(url, tools));
    assert.deepEqual(others, []);
    assert.match(`${found!.level}: ${found!.text} → ${found!.fix}`, expected);
    assert.equal(found!.level, "problem");
    assert.doesNotMatch(found!.text, /secret/);
  });
}

test("doctor: documents that differ at the root mislead clients that ask there first", async () => {
  const behaviour: Behaviour = (request, answer, socket) => {
    const origin = `http://${request.headers.host}`;
    const resource = request.url === "/.well-known/oauth-protected-resource" ? `${origin}/other` : `${origin}/mcp`;
    const document = { resource, authorization_servers: [`${origin}/mcp`], issuer: `${origin}/mcp` };
    return json(document)(request, answer, socket);
  };
  const { findings } = await at(behaviour, (url) => examineDocuments(url, tools));
  assert.deepEqual(findings.map(({ check, level }) => `${check} ${level}`), [
    "resource ok",
    "resource warning",
    "metadata ok",
  ]);
});

test("doctor: a path that the edge changed shows in the resource's name", async () => {
  const behaviour: Behaviour = (request, answer, socket) => {
    const origin = `http://${request.headers.host}`;
    return json({ resource: `${origin}/mcp/x`, authorization_servers: [origin] })(request, answer, socket);
  };
  const { findings } = await at(behaviour, (url) => examineDocuments(url, tools));
  assert.match(
    `${findings[0]!.text} → ${findings[0]!.fix}`,
    /says .*\/mcp\/x, but it was asked at .*\/mcp → give clients/,
  );
});

test("doctor: a server that never answers is said once, and nothing else is tried", async () => {
  const findings = await at(hang, (url) => examine([url], { ...tools, timeoutMs: 300, onFindings: () => {} }));
  assert.deepEqual(findings.map(({ check }) => check), ["dns", "resource"]);
  assert.match(findings[1]!.text, /no answer within 0\.3 s/);
});

test("doctor: a stream that breaks off before its end", async () => {
  const behaviour: Behaviour = (_request, answer, socket) => {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write(": time 1000000000\n\n", () => setTimeout(() => socket.destroy(), 50));
  };
  const [found] = await at(behaviour, (url) => examineStream(url, tools));
  assert.match(`${found!.level}: ${found!.text}`, /^problem: an SSE stream is cut after \d\.\d s/);
});

test("doctor: a web page where the stream should be", async () => {
  const [found] = await at(html, (url) => examineStream(url, tools));
  assert.match(`${found!.level}: ${found!.text}`, /^problem: .*sse-probe/);
});

for (
  const [theirs, expected] of [
    [1_000_000_029, /^ok:/],
    [1_000_000_095, /^warning: the proxy's clock is 95 s ahead of/],
    [999_996_400, /^warning: the proxy's clock is 3600 s behind/],
  ] as const
) {
  test(`doctor: a clock that is ${theirs - 1_000_000_000} s away`, () => {
    const { level, text } = examineClock(theirs, 1_000_000_000);
    assert.match(`${level}: ${text}`, expected);
  });
}

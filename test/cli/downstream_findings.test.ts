import assert from "node:assert/strict";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { downstreamFindings } from "../../lib/cli/downstream_findings.ts";
import { parseConfig } from "../../lib/config/load.ts";
import {
  type Behaviour,
  dieBeforeHead,
  hang,
  html,
  json,
  redirect,
  sse,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { googleTable, linearTable, serverTable, wikiTable } from "../support/config_text.ts";
import { testCertificates, testServerKey } from "../support/test_certificates.ts";

const passthrough = (url: string) => linearTable.replace(/https:\/\/mcp\.linear\.app\/sse/, url);
const discovering = (url: string) => passthrough(url).replace("passthrough", "chained_oauth");
const chained = (url: string) =>
  discovering(url) +
  'oauth_authorize_url = "https://a.example"\noauth_token_url = "https://a.example"\noauth_client_id = "a"\noauth_client_secret = "b"\n';
const login = (url: string) => googleTable + wikiTable + `downstream_url = "${url}"\n`;
const loginWithKey = (url: string) => login(url) + 'credential = "the key"\nauth_header_format = "X-API-Key"\n';

type Kind = (url: string) => string;

async function find(url: string, kind: Kind, timeoutMs = 5000): Promise<string[]> {
  const resource = parseConfig(serverTable + kind(url)).resources[0]!;
  const findings = await downstreamFindings(resource, new URL(url), { fetch: globalThis.fetch, timeoutMs });
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

/** By method and, for POST, by the JSON-RPC method; 404 for what is not there. */
function answers(routes: Readonly<Record<string, Behaviour>>): Behaviour {
  return (request, answer, socket) => {
    const rpc = request.method === "POST" ? ` ${JSON.parse(request.body).method}` : "";
    const path = request.url === "/mcp" ? "" : ` ${request.url}`;
    const route = routes[`${request.method}${rpc}${path}`] ?? routes["*"] ?? json({ error: "no" }, { status: 404 });
    return route(request, answer, socket);
  };
}

const result = (value: unknown) => ({ jsonrpc: "2.0", id: "check-1", result: value });
const discovered = result({
  supportedVersions: ["2026-07-28", "2025-11-25"],
  _meta: { "io.modelcontextprotocol/serverInfo": { name: "Fake" } },
});
const initialized = result({ protocolVersion: "2025-06-18", serverInfo: { name: "Old" } });
const unsupported = {
  jsonrpc: "2.0",
  id: "check-1",
  error: { code: -32022, message: "no", data: { supported: ["2099-01-01"] } },
};
const refused = (challenge?: string) =>
  json({}, { status: 401, headers: challenge === undefined ? {} : { "www-authenticate": challenge } });
const wellKnown = "/.well-known/oauth-protected-resource/mcp";

const cases: [what: string, kind: Kind, behaviour: Behaviour, findings: RegExp[]][] = [
  ["a server of 2026-07-28 names its versions", login, answers({ "POST server/discover": json(discovered) }), [
    /^ok: speaks MCP 2026-07-28, 2025-11-25 and calls itself "Fake"$/,
    /^warning: answers without a token; make sure that only the proxy reaches it/,
  ]],
  [
    "a server that refuses our version names its own",
    loginWithKey,
    answers({ "*": json(unsupported, { status: 400 }) }),
    [
      /^ok: speaks MCP 2099-01-01$/,
    ],
  ],
  ["an older server is asked by initialize", loginWithKey, answers({ "POST initialize": json(initialized) }), [
    /^ok: speaks MCP 2025-06-18 and calls itself "Old"$/,
  ]],
  [
    "an older server may answer in a stream that stays open",
    loginWithKey,
    answers({ "POST initialize": sse([": hi\n\n", `event: message\r\ndata: ${JSON.stringify(initialized)}\r\n\r\n`]) }),
    [/^ok: speaks MCP 2025-06-18/],
  ],
  [
    "HTTP+SSE is recognised by its first event",
    loginWithKey,
    answers({ "GET": sse(["event: endpoint\ndata: /messages?id=1\n\n"]) }),
    [/^ok: speaks the old HTTP\+SSE transport/],
  ],
  ["an open server takes any pasted key", passthrough, json(discovered), [/^ok/, /^warning: .*set verify_url/]],
  ["a server that wants a key is what passthrough is for", passthrough, refused(), [/^ok: wants a key \(401\)$/]],
  ["403 wants a key too", passthrough, json({}, { status: 403 }), [/^ok: wants a key \(403\)$/]],
  ["an old server that wants a key for its GET", passthrough, answers({ "GET": refused() }), [
    /^ok: wants a key \(401\)$/,
  ]],
  [
    "a server with OAuth of its own may not take keys",
    passthrough,
    answers({ "*": refused(), [`GET ${wellKnown}`]: json({ authorization_servers: ["https://id.example"] }) }),
    [/^warning: .*OAuth at https:\/\/id\.example.*strategy = "chained_oauth"/],
  ],
  ["a service's token is wanted", chained, refused(), [/^ok: wants a token \(401\)$/]],
  ["nothing to discover, since it is open", discovering, json(discovered), [
    /^ok/,
    /^problem: .*all four oauth_\* keys/,
  ]],
  ["nothing to discover, since it announces nothing", discovering, refused(), [/^problem: .*announces no OAuth/]],
  ["our token is what it will get", login, refused(), [/^ok: wants a token \(401\); .*JWKS$/]],
  ["the configured credential is wrong", loginWithKey, refused(), [
    /^problem: refuses the configured credential \(401\)/,
  ]],
  ["a redirect is named, and what to write", passthrough, redirect("/other/?state=secret"), [
    /^problem: redirects to http:\/\/127\.0\.0\.1:\d+\/other\/.*write downstream_url = "http:\/\/127\.0\.0\.1:\d+\/other\/"$/,
  ]],
  ["a web page is no MCP server", passthrough, html, [/^problem: answers with a web page .*is the path right\?/]],
  ["a wrong path", passthrough, answers({}), [/^problem: has no MCP server at \/mcp \(404\)/]],
  ["a server that fails", passthrough, json({}, { status: 503 }), [
    /^problem: answers 503: it is there, and it fails$/,
  ]],
  ["JSON that is no JSON-RPC", passthrough, json({ hello: 1 }), [
    /^problem: answers 200 \(application\/json\), which is not MCP/,
  ]],
  ["a connection that breaks", passthrough, dieBeforeHead, [/^problem: it can't be reached/]],
];

for (const [what, kind, behaviour, expected] of cases) {
  test(`check: ${what}`, async () => {
    const server = await startFakeMcpServer(behaviour);
    try {
      const found = await find(server.url, kind);
      assert.equal(found.length, expected.length, found.join("\n"));
      expected.forEach((pattern, index) => assert.match(found[index]!, pattern));
    } finally {
      await server.close();
    }
  });
}

test("check sends what the specification asks of a request, and the configured credential", async () => {
  const server = await startFakeMcpServer(json(discovered));
  try {
    await find(server.url, loginWithKey);
    const [request, ...others] = server.received;
    assert.deepEqual(others, []);
    assert.equal(request!.headers["mcp-protocol-version"], "2026-07-28");
    assert.equal(request!.headers["mcp-method"], "server/discover");
    assert.equal(request!.headers.accept, "application/json, text/event-stream");
    assert.equal(request!.headers["x-api-key"], "the key");
    assert.equal(JSON.parse(request!.body).params._meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  } finally {
    await server.close();
  }
});

test("check ends the session that it opened", async () => {
  const opened = json(initialized, { headers: { "mcp-session-id": "s-1" } });
  const server = await startFakeMcpServer(answers({ "POST initialize": opened, "DELETE": json({}) }));
  try {
    await find(server.url, login);
    const last = server.received.at(-1)!;
    assert.deepEqual([last.method, last.headers["mcp-session-id"]], ["DELETE", "s-1"]);
  } finally {
    await server.close();
  }
});

for (
  const [what, metadata, expected] of [
    [
      "lets clients register",
      { registration_endpoint: "x" },
      /^ok: protects itself with OAuth at .*where we can register$/,
    ],
    ["knows client id metadata documents", { client_id_metadata_document_supported: true }, /^ok: protects itself/],
    ["takes nobody new", {}, /^problem: .*does not let clients register themselves/],
    ["has no metadata", undefined, /^problem: .*whose metadata can't be read/],
  ] as const
) {
  test(`check: an OAuth-protected server whose authorization server ${what}`, async () => {
    const server = await startFakeMcpServer();
    const origin = new URL(server.url).origin;
    const place = `${origin}/elsewhere/metadata`;
    server.behave(answers({
      "*": refused(`Bearer resource_metadata="${place}"`),
      "GET /elsewhere/metadata": json({ authorization_servers: [`${origin}/tenant`] }),
      ...(metadata === undefined ? {} : { "GET /.well-known/oauth-authorization-server/tenant": json(metadata) }),
    }));
    try {
      const found = await find(server.url, discovering);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0]!, expected);
    } finally {
      await server.close();
    }
  });
}

test("check: nothing listens", async () => {
  const server = await startFakeMcpServer();
  await server.close();
  assert.deepEqual(await find(server.url, passthrough), [
    `problem: the connection is refused: nothing listens on port ${server.port} of 127.0.0.1`,
  ]);
});

test("check: a name that does not resolve", async () => {
  const found = await find("http://no-such-host.invalid/mcp", passthrough, 30_000);
  assert.match(found[0]!, /^problem: the name no-such-host\.invalid can't be resolved/);
});

test("check: no answer in time", async () => {
  const server = await startFakeMcpServer(hang);
  try {
    assert.match((await find(server.url, passthrough, 200))[0]!, /^problem: no answer within 0\.2 s/);
  } finally {
    await server.close();
  }
});

test("check: a certificate that nobody trusts", async () => {
  const server = createTlsServer(
    { key: testServerKey, cert: testCertificates.selfSigned },
    (_request, answer) => answer.end(),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const [found] = await find(`https://127.0.0.1:${port}/mcp`, passthrough);
    assert.match(found!, /^problem: its TLS certificate is not trusted .*NODE_EXTRA_CA_CERTS/);
  } finally {
    server.close();
  }
});

test("check: https where only http is spoken", async () => {
  const server = await startFakeMcpServer();
  try {
    const [found] = await find(server.url.replace("http:", "https:"), passthrough);
    assert.match(found!, /^problem: it does not speak TLS on port \d+: is it http:\/\/ there\?/);
  } finally {
    await server.close();
  }
});

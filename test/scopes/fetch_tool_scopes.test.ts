import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { fetchToolScopes, parseToolScopes } from "../../lib/scopes/fetch_tool_scopes.ts";
import { hang, html, json, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { type ScopedServer, type ScopedServerOptions, startScopedServer } from "../support/scoped_mcp_server.ts";

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function start(options: ScopedServerOptions): Promise<ScopedServer> {
  const server = await startScopedServer(options);
  running.push(server);
  return server;
}

const ask = (server: { url: string }, credential: Record<string, string> = {}, timeoutMs = 5_000) =>
  fetchToolScopes(new URL(server.url), credential, { fetch, timeoutMs });

const read = { name: "wiki:read", description: "Read pages", tools: ["search"] };
const write = { name: "wiki:write", description: "Change pages", tools: ["search", "put_page"] };
const page = (scopes: unknown, nextCursor?: string) => ({ tools: [], _meta: { scopes }, nextCursor });

for (const answerAs of ["json", "sse"] as const) {
  test(`S2-25: a server of 2026-07-28 is asked without initialize, answering in ${answerAs}`, async () => {
    const server = await start({ era: "2026-07-28", answerAs, pages: { "": page([read, write]) } });
    assert.deepEqual(await ask(server), [read, write]);
    assert.deepEqual(server.asked(), ["tools/list"]);
    const { params } = JSON.parse(server.received[0]!.body);
    assert.equal(params._meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  });

  test(`S2-25: an older server is asked within a session, which is ended, answering in ${answerAs}`, async () => {
    const server = await start({ era: "2025-11-25", answerAs, pages: { "": page([read]) } });
    assert.deepEqual(await ask(server), [read]);
    assert.deepEqual(server.asked(), [
      "tools/list",
      "initialize",
      "notifications/initialized",
      "tools/list",
      "DELETE",
    ]);
    assert.equal(server.received.at(-2)!.headers["mcp-protocol-version"], "2025-06-18");
  });
}

for (const era of ["2026-07-28", "2025-11-25"] as const) {
  test(`S2-25: nextCursor is followed, and a scope on several pages has the tools of all (${era})`, async () => {
    const more = { ...read, tools: ["get_page", "search"] };
    const pages = { "": page([read], "b"), b: page(undefined, "c"), c: page([more, write], "") };
    assert.deepEqual(await ask(await start({ era, pages })), [{ ...read, tools: ["search", "get_page"] }, write]);
  });

  test(`S2-25: a configured credential is sent with every request (${era})`, async () => {
    const server = await start({ era, authorization: "Bearer the-key", pages: { "": page([read]) } });
    assert.deepEqual(await ask(server, { authorization: "Bearer the-key" }), [read]);
    assert.ok(server.received.every(({ headers }) => headers.authorization === "Bearer the-key"));
  });

  test(`a server that wants its users' own tokens says nothing, and that is not the same as no scopes (${era})`, async () => {
    const server = await start({ era, authorization: "Bearer a-user", pages: { "": page([read]) } });
    assert.equal(await ask(server), undefined);
  });

  test(`S2-24: no _meta, no scopes in it, or an empty list are no scopes (${era})`, async () => {
    const server = await start({ era, pages: {} });
    for (const result of [{ tools: [] }, { tools: [], _meta: {} }, page([]), page(null)]) {
      server.options.pages = { "": result };
      assert.deepEqual(await ask(server), []);
    }
  });

  test(`S2-24: _meta.scopes of a wrong shape is an error (${era})`, async () => {
    const server = await start({ era, pages: { "": page({ "wiki:read": [] }) } });
    await assert.rejects(ask(server), /_meta\.scopes/);
  });

  test(`a server whose pages never end is not asked for ever (${era})`, async () => {
    await assert.rejects(ask(await start({ era, pages: { "": page([read], "x"), x: page([read], "x") } })), /pages/);
  });
}

test("an older server without tools has no scopes", async () => {
  assert.deepEqual(await ask(await start({ era: "2025-11-25", capabilities: {}, pages: {} })), []);
});

test("S2-14: a server that is away, silent, failing or something else is an error, and no empty list", async () => {
  const away = await startFakeMcpServer();
  await away.close();
  await assert.rejects(ask(away));
  for (
    const behaviour of [json({}, { status: 503 }), json({}, { status: 429 }), html, json({ jsonrpc: "2.0", id: 1 })]
  ) {
    const server = await startFakeMcpServer(behaviour);
    running.push(server);
    await assert.rejects(ask(server));
  }
  const silent = await startFakeMcpServer(hang);
  running.push(silent);
  await assert.rejects(ask(silent, {}, 100), { name: "TimeoutError" });
});

test("a redirect is not followed: the credential is for this server alone", async () => {
  const other = await startFakeMcpServer();
  const server = await startFakeMcpServer((_request, answer) =>
    void answer.writeHead(307, { location: other.url }).end()
  );
  running.push(other, server);
  await assert.rejects(ask(server, { "x-api-key": "secret" }));
  assert.deepEqual(other.received, []);
});

test("S2-24: each scope needs a name without spaces, a text as description and a list of tools", () => {
  const wrong: unknown[] = [
    "wiki:read",
    { a: read },
    ["wiki:read"],
    [null],
    [[]],
    [{}],
    [{ ...read, name: "" }],
    [{ ...read, name: "two words" }],
    [{ ...read, name: 'quo"te' }],
    [{ ...read, name: "line\nbreak" }],
    [{ ...read, name: 7 }],
    [{ ...read, description: { toString: "x" } }],
    [{ ...read, tools: "search" }],
    [{ ...read, tools: { 0: "search" } }],
  ];
  for (const scopes of wrong) assert.throws(() => parseToolScopes({ scopes }), /_meta\.scopes/, JSON.stringify(scopes));
  assert.deepEqual(parseToolScopes("scopes"), []);
  assert.deepEqual(parseToolScopes({ scopes: [{ name: "a", tools: ["x", 7, null] }] }), [
    { name: "a", description: "", tools: ["x"] },
  ]);
});

test("names that would swell our metadata are refused, and descriptions cut", () => {
  const long = "a".repeat(129);
  assert.throws(() => parseToolScopes({ scopes: [{ name: long }] }), /_meta\.scopes.*128/);
  assert.throws(() => parseToolScopes({ scopes: [{ name: "read", tools: [long] }] }), /_meta\.scopes.*128/);
  const [scope] = parseToolScopes({ scopes: [{ name: long.slice(1), description: "b".repeat(10_000) }] });
  assert.equal(scope?.description.length, 500);
});

test("a list with more names than any request could look through is refused, also when they come on several pages", async () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: "wiki:read", tools: [`tool-${i}`] }));
  const names = (
    count: number,
  ) => [{ name: "wiki:read", tools: Array.from({ length: count - 1 }, (_, i) => `tool-${i}`) }];
  for (const pages of [{ "": page(many(5_001)) }, { "": page(many(2_500), "b"), b: page(names(5_001)) }]) {
    await assert.rejects(ask(await start({ era: "2026-07-28", pages })), /_meta\.scopes .* more than 10000 names/);
  }
  const [scope] = (await ask(await start({ era: "2026-07-28", pages: { "": page(names(10_000)) } })))!;
  assert.equal(scope?.tools.length, 9_999);
});

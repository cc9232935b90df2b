// The audit stream: who called what, what became of it and how long it took. Never with which arguments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { dieBeforeHead, json, sse } from "../support/fake_mcp_server.ts";
import { withMcpPair } from "../support/mcp_pair.ts";
import type { McpProxy } from "../support/mcp_proxy.ts";

const call = (name: unknown, args: unknown = {}) =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });

function audit({ logged }: McpProxy) {
  return logged.filter(({ event }) => event === "mcp_request").map(({ fields }) => fields);
}

test("one line for each request, with who, what, result and time", async () => {
  await withMcpPair(json({ jsonrpc: "2.0", id: 1, result: {} }), {}, async ({ proxy }) => {
    assert.equal((await proxy.send({ method: "POST", body: call("search") })).status, 200);
    const [line, ...others] = audit(proxy);
    assert.equal(others.length, 0);
    const { ms, ...fields } = line!;
    assert.ok(typeof ms === "number" && ms > 0 && ms < 10_000);
    assert.deepEqual(fields, {
      request_id: "request-1",
      resource: "fake",
      client_id: "client-1",
      grant: "grant-1",
      subject: undefined,
      method: "POST",
      path: "/mcp/fake",
      mcp_method: "tools/call",
      tool: "search",
      status: 200,
    });
  });
});

test("what a request is about comes from the headers of 2026-07-28, else from a small body", async () => {
  await withMcpPair(json({}), {}, async ({ proxy }) => {
    const modern = { "mcp-method": "tools/call", "mcp-name": "=?base64?c2VhcmNo?=" };
    const cases: [RequestInit, unknown, unknown][] = [
      [{ method: "POST", headers: modern, body: "x".repeat(100_000) }, "tools/call", "search"],
      [{ method: "POST", body: '{"method":"notifications/initialized"}' }, "notifications/initialized", undefined],
      [{ method: "POST", body: '{"method":"prompts/get","params":{"name":"mine"}}' }, "prompts/get", undefined],
      [{ method: "POST", body: call("search", "x".repeat(10_000)) }, undefined, undefined],
      [{ method: "POST", body: "no json" }, undefined, undefined],
      [{ method: "POST", body: `\uFEFF${call("search")}` }, "tools/call", "search"], // as servers read it
      [{ method: "POST", body: '{"result":{}}' }, undefined, undefined],
      [{ method: "POST", body: "null" }, undefined, undefined],
      [{ method: "DELETE" }, undefined, undefined],
    ];
    for (const [init, method, tool] of cases) {
      proxy.logged.length = 0;
      await (await proxy.send(init)).body?.cancel();
      const [line] = audit(proxy);
      assert.deepEqual([line!.mcp_method, line!.tool], [method, tool], String(init.body).slice(0, 60));
    }
  });
});

test("arguments are never in the log, and a name that breaks lines or is no name is not repeated", async () => {
  await withMcpPair(json({}), {}, async ({ proxy }) => {
    for (const name of ["a\nlevel=fatal event=lie", "x".repeat(500), { password: "hunter2" }, 7]) {
      await proxy.send({ method: "POST", body: call(name, { password: "hunter2" }) });
    }
    await proxy.send({ method: "POST", body: '{"method":"hunter2 \\n"}' });
    assert.deepEqual(audit(proxy).map(({ tool }) => tool), [...Array(4).fill("unprintable"), undefined]);
    assert.doesNotMatch(JSON.stringify(proxy.logged), /hunter2|event=lie|xxxx/);
  });
});

test("a stream's line comes when it ends, however it ends", async () => {
  await withMcpPair(sse(["data: 1\n\n"]), {}, async ({ proxy }) => {
    const leave = new AbortController();
    const stream = await proxy.send({ headers: { accept: "text/event-stream" }, signal: leave.signal });
    assert.equal(stream.status, 200);
    assert.equal(audit(proxy).length, 0);
    leave.abort();
    await eventually(async () => assert.equal(audit(proxy).length, 1));
    assert.deepEqual([audit(proxy)[0]!.method, audit(proxy)[0]!.status], ["GET", 200]);
  });
});

test("a request that fails has its line too; one without a token has none, for nobody is known", async () => {
  await withMcpPair(dieBeforeHead, {}, async ({ proxy }) => {
    assert.equal((await proxy.send({ method: "POST", body: call("search") })).status, 502);
    assert.deepEqual(audit(proxy).map(({ status, tool }) => [status, tool]), [[502, "search"]]);
    proxy.logged.length = 0;
    assert.equal((await proxy.send({ method: "POST", headers: { authorization: "Bearer x" } })).status, 401);
    assert.equal(audit(proxy).length, 0);
  });
});

test("a call that the user's scopes do not open is on record, with its tool and 403", async () => {
  const strategy = {
    kind: "login",
    providers: ["company"],
    allowEveryone: true,
    allowedUsers: [],
    allowedEmailDomains: [],
    allowedGroups: [],
    subject: "id",
    identityHeaders: false,
    toolScopes: [{ name: "write", description: "", tools: ["delete_everything"] }],
  } as const;
  await withMcpPair(json({}), { resource: { strategy } }, async ({ proxy, fake }) => {
    assert.equal((await proxy.send({ method: "POST", body: call("delete_everything") })).status, 403);
    assert.equal(fake.received.length, 0);
    assert.deepEqual(audit(proxy).map(({ status, tool }) => [status, tool]), [[403, "delete_everything"]]);
  });
});

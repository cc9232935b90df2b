import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import type { ToolScope } from "../../lib/oauth/tool_scope.ts";
import { parseJsonRpcMessage } from "../../lib/proxy/json_rpc_request.ts";
import { checkToolRequest } from "../../lib/proxy/tool_authorization.ts";

const toolScopes: ToolScope[] = [
  { name: "wiki:read", description: "Read", tools: ["search", "get_page"] },
  { name: "wiki:write", description: "Write", tools: ["search", "get_page", "put_page", "Größe", "=?base64?eA==?="] },
  { name: "wiki:admin", description: "All", tools: ["search", "get_page", "put_page", "delete_page"] },
];

function check(message: unknown, { granted = ["wiki:read"], headers = {} as Record<string, string> } = {}): void {
  checkToolRequest({
    message: parseJsonRpcMessage(JSON.stringify(message)),
    headers: new Headers(headers),
    toolScopes,
    granted,
  });
}

const call = (name: string) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name } });

function refusedAs(code: string, status: number, scope?: readonly string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof OAuthError, String(error));
    assert.deepEqual([error.code, error.status, error.scope], [code, status, scope]);
    return true;
  };
}

test("S2-52: a tool is open to whoever has one of the scopes that name it", () => {
  check(call("search"));
  check(call("put_page"), { granted: ["wiki:write"] });
  check(call("put_page"), { granted: ["other", "wiki:admin"] });
});

test("S2-52: a missing scope is insufficient_scope, with the scope that opens the least (RFC 6750 §3.1)", () => {
  assert.throws(() => check(call("delete_page")), refusedAs("insufficient_scope", 403, ["wiki:admin"]));
  assert.throws(() => check(call("put_page")), refusedAs("insufficient_scope", 403, ["wiki:admin"]));
  assert.throws(() => check(call("search"), { granted: [] }), refusedAs("insufficient_scope", 403, ["wiki:read"]));
});

test("a tool that no scope names is open to nobody, and the challenge asks for nothing", () => {
  const everything = toolScopes.map(({ name }) => name);
  assert.throws(() => check(call("drop_database"), { granted: everything }), refusedAs("insufficient_scope", 403, []));
  for (const name of ["Search", "search ", "constructor", "__proto__", ""]) {
    assert.throws(() => check(call(name), { granted: everything }), refusedAs("insufficient_scope", 403, []), name);
  }
});

test("what touches no tool needs no scope, in both protocol eras", () => {
  const methods = [
    "initialize",
    "notifications/initialized",
    "notifications/cancelled",
    "ping",
    "tools/list",
    "resources/list",
    "prompts/list",
    "logging/setLevel",
    "completion/complete",
    "server/discover",
    "subscriptions/listen",
  ];
  for (const method of methods) check({ jsonrpc: "2.0", id: 1, method }, { granted: [] });
  check({ jsonrpc: "2.0", id: 1, result: { action: "accept" } }, { granted: [] });
  check({ jsonrpc: "2.0", id: 1, error: { code: -1, message: "no" } }, { granted: [] });
});

test("an unknown method is refused, whatever was granted", () => {
  for (const method of ["tools/run", "tools/call ", "Tools/Call", "TOOLS/CALL", "x/y", "", "toString"]) {
    assert.throws(
      () => check({ jsonrpc: "2.0", id: 1, method, params: { name: "search" } }, { granted: ["wiki:admin"] }),
      refusedAs("invalid_request", 403, undefined),
      method,
    );
  }
});

test("2026-07-28: headers that say what the body says are fine, also in the Base64 form", () => {
  check(call("search"), { headers: { "mcp-method": "tools/call", "mcp-name": "search" } });
  check(call("search"), { headers: { "mcp-method": "tools/call", "mcp-name": "=?base64?c2VhcmNo?=" } });
  const granted = ["wiki:write"];
  check(call("Größe"), { granted, headers: { "mcp-name": `=?base64?${btoa("Gr\xc3\xb6\xc3\x9fe")}?=` } });
  check(call("=?base64?eA==?="), { granted, headers: { "mcp-name": `=?base64?${btoa("=?base64?eA==?=")}?=` } });
  check({ jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: "file:///a" } }, {
    headers: { "mcp-method": "resources/read", "mcp-name": "file:///a" },
  });
  check({ jsonrpc: "2.0", id: 1, method: "tasks/get", params: { taskId: "t1" } }, {
    headers: { "mcp-method": "tasks/get", "mcp-name": "t1" },
  });
});

test("2026-07-28: headers that say something else are refused with 400 (streamable-http, Server Validation)", () => {
  const mismatches: Record<string, string>[] = [
    { "mcp-method": "tools/list" },
    { "mcp-method": "tools/call, tools/list" },
    { "mcp-method": "=?base64?dG9vbHMvY2FsbA==?=" },
    { "mcp-method": "" },
    { "mcp-name": "delete_page" },
    { "mcp-name": "search, search" },
    { "mcp-name": "" },
    { "mcp-name": "=?base64?%%%?=" },
    { "mcp-name": "=?base64?ZGVsZXRlX3BhZ2U=?=" },
    { "mcp-name": "=?BASE64?c2VhcmNo?=" },
  ];
  for (const headers of mismatches) {
    const granted = ["wiki:admin"];
    const what = JSON.stringify(headers);
    assert.throws(
      () => check(call("search"), { granted, headers }),
      refusedAs("invalid_request", 400, undefined),
      what,
    );
  }
});

test("2026-07-28: a header that names a tool where the body names none is refused", () => {
  const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  assert.throws(() => check(list, { headers: { "mcp-name": "search" } }), refusedAs("invalid_request", 400, undefined));
});

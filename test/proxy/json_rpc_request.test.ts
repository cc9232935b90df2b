import assert from "node:assert/strict";
import { test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { parseJsonRpcMessage } from "../../lib/proxy/json_rpc_request.ts";

const call = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

const read = [
  { name: "a tool call", body: call('{"name":"search"}'), method: "tools/call", about: "search" },
  {
    name: "a prompt",
    body: '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greet"}}',
    method: "prompts/get",
    about: "greet",
  },
  {
    name: "a resource",
    body: '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}',
    method: "resources/read",
    about: "file:///a",
  },
  {
    name: "a task",
    body: '{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t1"}}',
    method: "tasks/get",
    about: "t1",
  },
  {
    name: "a request about nothing in particular",
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    method: "tools/list",
  },
  {
    name: "a method called like a member of every object",
    body: '{"jsonrpc":"2.0","id":1,"method":"constructor","params":{"name":"x"}}',
    method: "constructor",
  },
  { name: "a client's response", body: '{"jsonrpc":"2.0","id":1,"result":{"name":"x"}}' },
  { name: "escapes", body: call('{"n\\u0061me":"se\\u0061rch"}'), method: "tools/call", about: "search" },
];

for (const { name, body, method, about } of read) {
  test(`a JSON-RPC message is read: ${name}`, () => {
    const message = parseJsonRpcMessage(body);
    assert.equal(message.method, method);
    assert.equal(message.name, about);
  });
}

const refused = {
  "a batch (gone since 2025-06-18)": `[${call('{"name":"search"}')}]`,
  "an empty batch": "[]",
  "a batch in a batch": `[[${call('{"name":"search"}')}]]`,
  "no JSON": "tools/call",
  "two messages": `${call('{"name":"a"}')}\n${call('{"name":"b"}')}`,
  "nothing": "",
  "null": "null",
  "a string": '"tools/call"',
  "a number": "1.0",
  "an unknown member": '{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}',
  "a member that differs in case": '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
  "a member that differs by a look-alike": '{"jsonrpc":"2.0","id":1,"method":"ping","param\u017F":{}}',
  "a prototype as member": '{"jsonrpc":"2.0","id":1,"method":"ping","__proto__":{"method":"tools/call"}}',
  "a method that is no string": '{"jsonrpc":"2.0","id":1,"method":["tools/call"]}',
  "a method that is null": '{"jsonrpc":"2.0","id":1,"method":null}',
  "a tool call without a name": call("{}"),
  "a tool call without parameters": '{"jsonrpc":"2.0","id":1,"method":"tools/call"}',
  "a name that is no string": call('{"name":{"toString":"search"}}'),
  "parameters by position": call('["search"]'),
  "a name beside the name that differs in case": call('{"name":"search","Name":"delete"}'),
  "a name that differs in case alone": call('{"NAME":"delete"}'),
  "a task id that differs in case":
    '{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"a","taskid":"b"}}',
  "JSON nested ten thousand deep": call(`{"name":"search","arguments":${"[".repeat(10_000)}${"]".repeat(10_000)}}`),
  "a byte order mark": `\uFEFF${call('{"name":"search"}')}`,
  "comments": `/* */${call('{"name":"search"}')}`,
  "a number that is none": call('{"name":"search","arguments":{"n":NaN}}'),
};

for (const [name, body] of Object.entries(refused)) {
  test(`a message is refused: ${name}`, () => {
    assert.throws(() => parseJsonRpcMessage(body), (error) => {
      assert.ok(error instanceof OAuthError, String(error));
      assert.equal(error.code, "invalid_request");
      assert.equal(error.status, 400);
      return true;
    });
  });
}

test("a key that stands twice stands once in what is sent, and it is the one that was checked", () => {
  const message = parseJsonRpcMessage(
    '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"delete"},"params":{"name":"delete","name":"search"}}',
  );
  assert.equal(message.name, "search");
  assert.equal(message.text, '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search"}}');
});

test("numbers, names with any character and the order of keys survive", () => {
  const body = call(
    '{"name":"a","arguments":{"z":12345678901234567890,"a":1.0,"b":1e400,"c":-0,"d":0.1,"e":"\\ud800","__proto__":1,"":null}}',
  );
  assert.equal(parseJsonRpcMessage(body).text, body);
});

test("space around and within a message is no part of it", () => {
  const body = ' {\n"jsonrpc" : "2.0", "id" : "x" , "method":"ping"}\r\n';
  assert.equal(parseJsonRpcMessage(body).text, '{"jsonrpc":"2.0","id":"x","method":"ping"}');
});

// What is authorised is what the downstream reads, whatever parser it has.
import assert from "node:assert/strict";
import fc from "fast-check";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { parseJsonRpcMessage } from "../../lib/proxy/json_rpc_request.ts";
import { oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

/** JSON text with what JSON.stringify never writes: members that stand twice, escaped letters, other cases, numbers of any form. */
const name = fc.constantFrom(
  "method",
  "params",
  "name",
  "uri",
  "id",
  "jsonrpc",
  "result",
  "Method",
  "NAME",
  "n\\u0061me",
  "m\\u0065thod",
  "__proto__",
  "extra",
);
const scalar = fc.oneof(
  fc.constantFrom(
    '"tools/call"',
    '"tools/list"',
    '"search"',
    '"delete"',
    '"resources/read"',
    "1.0",
    "12345678901234567890",
    "-0",
    "1e400",
    "null",
    "true",
  ),
  fc.constantFrom('"\\u0064elete"', '"tools\\/call"', '""', "[]"),
  oddText.map((text) => JSON.stringify(text)),
);
const { text } = fc.letrec<{ text: string; object: string; list: string }>((tie) => ({
  text: fc.oneof({ depthSize: "small", withCrossShrink: true }, scalar, tie("object"), tie("list")),
  object: fc.array(fc.tuple(name, tie("text")), { maxLength: 6 })
    .map((members) => `{${members.map(([key, value]) => `"${key}" : ${value}`).join(" , ")}}`),
  list: fc.array(tie("text"), { maxLength: 2 }).map((items) => `[${items.join(",")}]`),
}));
const call = fc.tuple(
  fc.array(fc.tuple(name, text), { maxLength: 3 }),
  fc.constantFrom('"tools/call"', '"prompts/get"', '"ping"', '"resources/read"'),
  fc.array(
    fc.tuple(
      fc.constantFrom("name", "uri", "Name", "arguments", "n\\u0061me"),
      fc.oneof(fc.constantFrom('"search"', '"delete"'), text),
    ),
    { maxLength: 4 },
  ),
  fc.array(fc.tuple(fc.constantFrom("id", "method", "params"), text), { maxLength: 2 }),
).map(([before, method, params, after]) => {
  const print = (members: [string, string][]) => `{${members.map(([key, value]) => `"${key}":${value}`).join(",")}}`;
  return print([...before, ["jsonrpc", '"2.0"'], ["method", method], ["params", print(params)], ...after]);
});

/** The members of an object in order, as a parser that keeps all of them sees them; undefined where the text is no object. */
function membersOf(json: string): [string, unknown][] {
  const seen: [string, unknown][] = [];
  // A reviver is called once for each member that is left; so the text is read again with each name made its own.
  const numbered = json.replace(
    /"((?:[^"\\]|\\.)*)"(\s*:)?/g,
    (() => {
      let count = 0;
      return (whole: string, key: string, colon?: string) =>
        colon === undefined ? whole : `"${key}#${count++}"${colon}`;
    })(),
  );
  const value = JSON.parse(numbered) as unknown;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return seen;
  for (const [key, member] of Object.entries(value)) seen.push([key.replace(/#\d+$/, ""), member]);
  return seen;
}

property(
  "S2: a message that passes has each member once, so the first, the last and a merging parser read the same call",
  {
    runs: 400,
    of: [fc.oneof(call, call, text)],
  },
  (json) => {
    let message: ReturnType<typeof parseJsonRpcMessage>;
    try {
      message = parseJsonRpcMessage(json);
    } catch (error) {
      assert.ok(error instanceof OAuthError && error.code === "invalid_request", String(error));
      return;
    }
    const { method, params } = JSON.parse(message.text) as { method?: string; params?: Record<string, unknown> };
    assert.equal(message.method, method);
    if (message.name !== undefined) {
      assert.equal(message.name, params![method === "resources/read" ? "uri" : "name"]);
      const names = Object.keys(params!).filter((key) =>
        /^(name|uri)$/i.test(key) && key.toLowerCase() === (method === "resources/read" ? "uri" : "name")
      );
      assert.equal(names.length, 1);
    }
    const members = membersOf(message.text).map(([key]) => key);
    assert.deepEqual(members, [...new Set(members)]);
    assert.equal(parseJsonRpcMessage(message.text).text, message.text);
  },
);

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "smol-toml";
import { findKeyLines } from "../../lib/config/key_lines.ts";

test("lines are found past comments, long strings, lists over several lines and quoted names", () => {
  const text = `# a comment with [brackets] and "quotes
top = 1
[server] # comment
"public_url" = "https://x" # = not this
hint = """
[not.a.table]
not_a_key = 1
"""
list = [
  "a", # ]
  "]",
]
raw = '''
still = 'inside' '''
after.dotted = true

[[downstream]]
name = "a"
[[downstream.tool_scopes]]
name = "s"
[[downstream]]
name = "b"
[downstream.sub]
x = { y = 1, z = [1] }
[client."https://a.example/b"]
name = 'C'`;
  parse(text); // the premise: it is TOML
  assert.deepEqual(Object.fromEntries(findKeyLines(text)), {
    "top": 2,
    "server": 3,
    "server.public_url": 4,
    "server.hint": 5,
    "server.list": 9,
    "server.raw": 13,
    "server.after": 15,
    "server.after.dotted": 15,
    "downstream": 17,
    "downstream[0]": 17,
    "downstream[0].name": 18,
    "downstream[0].tool_scopes": 19,
    "downstream[0].tool_scopes[0]": 19,
    "downstream[0].tool_scopes[0].name": 20,
    "downstream[1]": 21,
    "downstream[1].name": 22,
    "downstream[1].sub": 23,
    "downstream[1].sub.x": 24,
    "client": 25,
    "client.https://a.example/b": 25,
    "client.https://a.example/b.name": 26,
  });
});

for (const text of ["", "\n\n", "# only", "a = 1\r\nb = 2\r\n", 'a = "x\\"y" # "\nb = 2']) {
  test(`nothing in ${JSON.stringify(text)} makes it stumble`, () => {
    const lines = findKeyLines(text);
    assert.deepEqual([...lines.keys()], Object.keys(parse(text)));
    if (lines.has("b")) assert.equal(lines.get("b"), 2);
  });
}

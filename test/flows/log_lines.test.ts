// What strangers write reaches the operator's log, and stays within its line.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";
import { startRawServer } from "../support/raw_server.ts";

for (const format of ["json", "text"]) {
  test(`an MCP server can't write lines of its own into the log, nor control the terminal that shows it (${format})`, async () => {
    const downstream = await startFakeMcpServer((request, answer) => {
      const { origin } = new URL(downstream.url);
      if (request.url === "/about") {
        // URL parsers take the line feed out again; the text of the metadata keeps it.
        const issuer = `${origin}/tenant\n20:00:00 warning token_issued forged=yes\u001B[2J\u009B31m`;
        const document = { resource: downstream.url, authorization_servers: [issuer] };
        return void answer.setHeader("content-type", "application/json").end(JSON.stringify(document));
      }
      const challenge = { "www-authenticate": `Bearer resource_metadata="${origin}/about"` };
      answer.writeHead(request.url === "/mcp" ? 401 : 404, challenge).end();
    });
    await using proxy = await startProxy({
      toml: `
[log]
format = "${format}"
[downstream.notes]
display_name = "Notes"
strategy = "chained_oauth"
downstream_url = "${downstream.url}"
`,
    });
    try {
      const client = await createTestClient(proxy.url, "notes");
      await client.browser.submit(await client.authorize(), { decision: "allow" });
    } finally {
      await proxy.stop();
      await downstream.close();
    }
    const lines = proxy.output().split("\n").filter((line) => line.includes("forged"));
    assert.ok(lines.length > 0, proxy.output());
    for (const line of lines) assert.match(line, /\/tenant\\u000a20|\/tenant\\n20/);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(proxy.output(), /[\x00-\x09\x0B-\x1F\x7F-\x9F]/);
  });
}

test("a key in downstream_url stays out of the log, whatever the MCP server answers", async () => {
  // The fetch of both runtimes quotes the URL when an answer is none.
  const downstream = await startRawServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9_9\r\n\r\n"));
  const origin = `http://127.0.0.1:${downstream.port}`;
  await using proxy = await startProxy({
    toml: `
[provider.id]
kind = "oidc"
issuer = "http://127.0.0.1:9"
client_id = "us"
client_secret = "secret"
[downstream.notes]
display_name = "Notes"
strategy = "login"
provider = "id"
allow_everyone = true
downstream_url = "${origin}/path-key/mcp?api_key=query-key"
`,
  });
  try {
    await fetch(`${proxy.url}/.well-known/oauth-protected-resource/mcp/notes`);
  } finally {
    await proxy.stop();
    await downstream.stop();
  }
  const line = proxy.output().split("\n").find((line) => line.includes("tool_scopes_not_discovered"));
  assert.ok(line?.includes(origin), proxy.output());
  assert.doesNotMatch(proxy.output(), /path-key|query-key/);
});

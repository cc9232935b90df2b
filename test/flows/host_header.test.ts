// What strangers write into Host (RFC 9112 §3.2). A reverse proxy in front may pass it on as it came.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { rawRequest } from "../support/raw_http.ts";

let proxy: ProxyProcess;
before(async () => {
  proxy = await startProxy({
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  });
});
after(() => proxy[Symbol.asyncDispose]());

async function statusOf(path: string, host: string): Promise<number> {
  const exchange = rawRequest(proxy.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await exchange.closed;
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(exchange.text())?.[1]);
}

test("no Host leads to another path than the one asked for: what a reverse proxy keeps closed stays closed", async () => {
  for (const path of ["health", "apps", "authenticate/mcp/notes"]) {
    for (const host of [`x/${path}?`, `x/${path}#`, `x\\${path}?`, `user@x/${path}?`, `?/${path}`]) {
      const status = await statusOf("/nothing", host);
      assert.ok(status === 400 || status === 404, `${host}: ${status}`);
    }
  }
});

test("a Host that is none is a 400, and no error of ours in the log", async () => {
  const paths = ["/authorize/mcp/notes", "/callback/mcp/notes?state=a&code=b", "/apps", "/", "/metrics", "/mcp/notes"];
  for (const path of paths) {
    for (const host of ["x:99999", "%", "[::1", "1.2.3.4.5"]) {
      assert.equal(await statusOf(path, host), 400, `${path} ${host}`);
    }
  }
  assert.doesNotMatch(await proxy.settledOutput(), /"level":"(error|fatal)"/);
});

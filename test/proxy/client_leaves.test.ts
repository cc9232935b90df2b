// A client that leaves is no failure of the MCP server's, whenever it does.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { hang, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { rawHead } from "../support/mcp_pair.ts";
import { startMcpProxy } from "../support/mcp_proxy.ts";
import { rawRequest } from "../support/raw_http.ts";

for (const viaFetch of [false, true]) {
  for (
    const [when, framing, body] of [
      ["before its small body is complete", { "Content-Length": "10" }, "{"],
      ["before its large body is complete", { "Content-Length": "200000" }, "x".repeat(100_000)],
      ["in the middle of a body in chunks", { "Transfer-Encoding": "chunked" }, "1\r\n{\r\n"],
      ["in the middle of a large body in chunks", { "Transfer-Encoding": "chunked" }, `186a0\r\n${"x".repeat(90_000)}`],
      ["before the answer", { "Content-Length": "2" }, "{}"],
    ] as [string, Record<string, string>, string][]
  ) {
    test(`a client that leaves ${when} is noted as such${viaFetch ? " (asked by fetch)" : ""}`, async () => {
      const fake = await startFakeMcpServer(hang, { readBody: false });
      const proxy = await startMcpProxy(fake.url, { viaFetch });
      const client = rawRequest(proxy.port, rawHead(proxy, "POST", framing) + body);
      if (body.length > 65_536 || when === "before the answer") await fake.nextRequest();
      else {
        await client.sent;
        await (await proxy.send({ method: "HEAD" })).text(); // it came later, so the other is being worked on
      }
      client.destroy();
      await eventually(async () => assert.equal(proxy.logged.filter(({ event }) => event === "mcp_request").length, 1));
      const { fields } = proxy.logged.find(({ event }) => event === "mcp_request")!;
      assert.equal(fields.status, 499);
      const failures = proxy.logged.filter(({ level }) => level === "warning" || level === "error");
      assert.deepEqual(failures, []);
      await proxy.stop();
      await fake.close();
    });
  }
}

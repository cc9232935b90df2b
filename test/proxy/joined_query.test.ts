import assert from "node:assert/strict";
import { test } from "node:test";
import { json } from "../support/fake_mcp_server.ts";
import { post, withMcpPair } from "../support/mcp_pair.ts";
import { startMcpProxy } from "../support/mcp_proxy.ts";

test("S1-49: a parameter of downstream_url is the operator's alone, however the client spells it", async () => {
  await withMcpPair(json({ jsonrpc: "2.0", id: 1, result: {} }), {}, async ({ fake }) => {
    const proxy = await startMcpProxy(`${fake.url}?read_only=true&project=p%201`);
    const spellings = [
      "read_only=false",
      "READ_ONLY=false",
      "read%5Fonly=false",
      "read_only[]=false",
      "read.only=false",
    ];
    for (const query of [...spellings, "+read_only=false", "y=1;read_only=false", "read_only", "project=other"]) {
      await proxy.send({ ...post, path: `/mcp/fake?x=2&${query}&z=3` });
      assert.equal(fake.received.at(-1)!.url, "/mcp?read_only=true&project=p%201&x=2&z=3", query);
    }
    await proxy.stop();
  });
});

// S1-46: what a 401 by the downstream on a live token leads to.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { now, startMcpProxy } from "../support/mcp_proxy.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** A downstream that takes "new" only, and a strategy that renews "old" to what the test says. */
async function setup(renewed: string | undefined, current?: string) {
  const downstream = await startFakeMcpServer((request, answer) => {
    answer.writeHead(request.headers.authorization === "Bearer new" ? 200 : 401, {
      "content-type": "application/json",
    });
    answer.end("{}");
  });
  const asked: string[] = [];
  const proxy = await startMcpProxy(downstream.url, {
    credential: "old",
    strategy: {
      current: () => current,
      replace(_access, refused) {
        asked.push(refused);
        return Promise.resolve(renewed);
      },
    },
  });
  stops.push(() => downstream.close(), () => proxy.stop());
  return { downstream, proxy, asked };
}

const call = { method: "POST", headers: { "content-type": "application/json" }, body: '{"id":1}' };

test("S1-46: the request is sent once more with the renewed credential, whole", async () => {
  const { downstream, proxy, asked } = await setup("new");
  assert.equal((await proxy.send(call)).status, 200);
  assert.deepEqual(asked, ["old"]);
  assert.deepEqual(downstream.received.map(({ headers }) => headers.authorization), ["Bearer old", "Bearer new"]);
  assert.deepEqual(downstream.received.map(({ body }) => body), [call.body, call.body]);
});

test("S1-46: a credential that can't be renewed is a challenge to the client", async () => {
  const { downstream, proxy } = await setup(undefined);
  const answer = await proxy.send(call);
  assert.equal(answer.status, 401);
  assert.match(answer.headers.get("www-authenticate")!, /error="invalid_token".*resource_metadata=/);
  assert.equal(downstream.received.length, 1);
});

test("S1-46: a renewed credential that is refused too is a challenge, not a third try", async () => {
  const { downstream, proxy } = await setup("still wrong");
  assert.equal((await proxy.send(call)).status, 401);
  assert.equal(downstream.received.length, 2);
});

test("a body too large to be at hand is not sent twice, but the next request has the renewed credential", async () => {
  const { downstream, proxy, asked } = await setup("new");
  const answer = await proxy.send({ ...call, body: `"${"x".repeat(200_000)}"` });
  assert.equal(answer.status, 401);
  assert.equal(downstream.received.length, 1);
  assert.deepEqual(asked, ["old"]);
});

test("what was renewed before goes downstream at once", async () => {
  const { downstream, proxy } = await setup(undefined, "new");
  assert.equal((await proxy.send(call)).status, 200);
  assert.equal(downstream.received.length, 1);
});

test("RFC 7009 §2.1: what the provider gives while the grant is revoked is revoked as well, and goes nowhere", async () => {
  const downstream = await startFakeMcpServer((_request, answer) => void answer.writeHead(401).end());
  const revoked: string[] = [];
  const proxy = await startMcpProxy(downstream.url, {
    credential: "old",
    strategy: {
      async replace({ grantId }) {
        await proxy.revocations.revoke(grantId, now + 3600);
        return "new";
      },
      revoke: ({ id }) => Promise.resolve(void revoked.push(id)),
    },
  });
  stops.push(() => downstream.close(), () => proxy.stop());
  assert.equal((await proxy.send(call)).status, 401);
  assert.equal(revoked.length, 1);
  assert.deepEqual(downstream.received.map(({ headers }) => headers.authorization), ["Bearer old"]);
});

// What the runtimes do to a streaming proxy unless somebody sees to it. Each test fails when its remedy is taken away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { openExchange } from "../../lib/proxy/exchange.ts";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import {
  type Behaviour,
  closeKeptConnections,
  dieBeforeHead,
  dieMidBody,
  echo,
  gzip,
  hang,
  json,
  redirect,
  startFakeMcpServer,
} from "../support/fake_mcp_server.ts";
import { post, rawHead, withMcpPair } from "../support/mcp_pair.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

const runtime = currentRuntime();
const onlyBun = (reason: string) => ({ skip: runtime.name === "bun" ? false : reason });

test("trap 8: Deno aborts every finished request; an exchange that has ended takes no notice", () => {
  const left = new AbortController();
  const client = { request: left, connection: { keepOpen: () => {} } };
  const rules = { idleTimeoutMs: 0, idleError: () => new Error("idle") };
  const [ended, running] = [openExchange(client, rules), openExchange(client, rules)];
  for (const exchange of [ended, running]) exchange.lasts();
  ended.end();
  left.abort();
  assert.deepEqual([ended.signal.aborted, running.signal.aborted], [false, true]);
});

/** On Bun a downstream in the own network is asked by our own client, any other by fetch: none may fall into a trap. */
for (const viaFetch of runtime.name === "bun" ? [false, true] : [true]) {
  const way = viaFetch && runtime.name === "bun" ? " (asked by fetch)" : "";
  const pair: typeof withMcpPair = (behaviour, options, use) => withMcpPair(behaviour, { viaFetch, ...options }, use);
  test(
    `traps 1, 2, 18: a quiet stream outlives the idle limit, also while it waits for the head; an idle connection does not${way}`,
    { ...onlyBun("Deno has no idle limit"), timeout: 30_000 },
    async () => {
      const later = Promise.withResolvers<void>();
      const behaviour: Behaviour = async (request, answer) => {
        const headLate = request.url.includes("late");
        const head = () => void answer.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
        if (!headLate) head();
        await later.promise;
        if (headLate) head();
        answer.end("data: 2\n\n");
      };
      await pair(behaviour, { idleTimeoutSeconds: 1 }, async ({ fake, proxy }) => {
        const arrived = [fake.nextRequest()];
        const stream = rawRequest(proxy.port, rawHead(proxy, "GET"));
        await stream.until("data: 1");
        arrived.push(fake.nextRequest());
        const waiting = rawRequest(proxy.port, rawHead(proxy, "GET").replace("/mcp/fake", "/mcp/fake?late"));
        await arrived[1];
        // Opened last and cut first: when it is, the two others have been quiet for longer than the limit.
        await control();
        later.resolve();
        assert.match(await stream.until("data: 2"), /data: 1/);
        assert.match(await waiting.until("data: 2"), /data: 1/);
        stream.destroy();
        waiting.destroy();
      });
    },
  );

  test(
    `traps 3, 5, 11: every fetch goes out without timeout, decoding and redirects where the runtime has them${way}`,
    async () => {
      const sent: RequestInit[] = [];
      const recording = ((url: URL, init: RequestInit) => {
        sent.push(init);
        return fetch(url, init);
      }) as typeof fetch;
      await pair(json({}), { fetch: recording }, async ({ proxy }) => {
        for (const method of ["GET", "POST", "DELETE"]) await (await proxy.send({ method })).text();
      });
      assert.equal(sent.length, 3);
      for (const init of sent as (RequestInit & { timeout?: boolean; decompress?: boolean })[]) {
        assert.equal(init.redirect, "manual");
        if (runtime.name === "bun") assert.deepEqual([init.timeout, init.decompress], [false, false]);
      }
    },
  );

  test(`trap 5: an answer that comes compressed although nobody asked is readable${way}`, async () => {
    await pair(gzip('{"text":"compressed"}'), {}, async ({ proxy }) => {
      const client = rawRequest(
        proxy.port,
        rawHead(proxy, "POST", { "Content-Length": "2", "Connection": "close" }) + "{}",
      );
      await client.closed;
      const [head, body] = splitHead(client.text());
      assert.match(head, /^HTTP\/1.1 200/);
      assert.match(head, /content-encoding: gzip/i);
      assert.match(head, /content-length: \d+/i);
      assert.doesNotMatch(head, /transfer-encoding/i);
      assert.equal(gunzipSync(Buffer.from(body, "latin1")).toString(), '{"text":"compressed"}');
    });
  });

  test(`trap 5: a compressed event stream passes as it is, without comments in it${way}`, async () => {
    await pair(
      gzip("data: 1\n\n", "text/event-stream"),
      { server: { sseKeepaliveSeconds: 20 } },
      async ({ proxy }) => {
        const text = await (await proxy.send(post)).text();
        assert.equal(text, "data: 1\n\n");
      },
    );
  });

  test(`trap 6: no accept-encoding is added that the answer could be compressed by${way}`, async () => {
    await pair(echo, {}, async ({ fake, proxy }) => {
      const client = rawRequest(proxy.port, rawHead(proxy, "GET"));
      await client.until("rawHeaders");
      client.destroy();
      assert.equal(fake.received[0]!.headers["accept-encoding"], "identity");
    });
  });

  test(`trap 7: a client that leaves before the head takes its request to the downstream with it${way}`, async () => {
    await pair(hang, {}, async ({ fake, proxy }) => {
      for (const [method, body] of [["POST", "{}"], ["GET", ""]] as const) {
        const arrived = fake.nextRequest();
        const client = rawRequest(proxy.port, rawHead(proxy, method, { "Content-Length": String(body.length) }) + body);
        const request = await arrived;
        client.destroy();
        await request.closed;
      }
    });
  });

  test(`trap 9: a downstream that dies in the middle is a broken answer, never a clean end${way}`, async () => {
    for (
      const [contentType, sseKeepaliveSeconds] of [["text/event-stream", 20], ["text/event-stream", 0], [
        "application/json",
        0,
      ]] as const
    ) {
      const seen = Promise.withResolvers<void>();
      await pair(
        dieMidBody("data: 1\n\n", contentType, seen.promise),
        { server: { sseKeepaliveSeconds } },
        async ({ proxy }) => {
          const client = rawRequest(proxy.port, rawHead(proxy, "POST", { "Content-Length": "2" }) + "{}");
          await client.until("data: 1");
          seen.resolve();
          await client.closed;
          assert.doesNotMatch(client.text(), /\r\n0\r\n/, `${contentType}, keepalive ${sseKeepaliveSeconds}`);
        },
      );
    }
  });

  test(`trap 9: a downstream that dies before the head is a 502 in our words${way}`, async () => {
    await pair(dieBeforeHead, {}, async ({ fake, proxy }) => {
      const answer = await proxy.send(post);
      assert.equal(answer.status, 502);
      assert.deepEqual(await answer.json(), {
        error: "temporarily_unavailable",
        error_description:
          "the MCP server broke off the connection before it answered; whether it carried out the request is not known",
      });
      assert.equal(fake.received.length, 1);
    });
  });

  test(`trap 9: a small answer that breaks off is still a 502${way}`, async () => {
    const behaviour: Behaviour = (_request, answer, socket) => {
      answer.writeHead(200, { "content-type": "application/json", "content-length": 100 });
      answer.write("{", () => setTimeout(() => socket.destroy(), 20));
    };
    await pair(behaviour, {}, async ({ proxy }) => {
      const answer = await proxy.send(post);
      assert.equal(answer.status, 502);
      assert.match(await answer.text(), /broke off in the middle of its answer/);
    });
  });

  test(`trap 10: a kept connection that has died costs no POST, and no POST is sent twice${way}`, async () => {
    await pair(closeKeptConnections, { reuseConnectionsWithinMs: 0 }, async ({ fake, proxy }) => {
      for (let count = 1; count <= 3; count++) {
        assert.equal((await proxy.send(post)).status, 200);
        assert.equal(fake.received.length, count);
      }
    });
  });

  test(
    `trap 10: a connection is kept for requests that follow at once${way}`,
    onlyBun("Deno re-sends on a dead connection"),
    async () => {
      await pair(json({}), {}, async ({ fake, proxy }) => {
        for (let count = 1; count <= 3; count++) await (await proxy.send(post)).text();
        // Bun's fetch is told not to keep the first one, because nothing is known of its server yet.
        assert.deepEqual(fake.received.map(({ ordinal }) => ordinal), viaFetch ? [1, 1, 2] : [1, 2, 3]);
      });
    },
  );

  test(`trap 11: a redirect to another origin takes neither key nor session there${way}`, async () => {
    const other = await startFakeMcpServer();
    await pair(redirect(other.url), { resource: { authHeaderFormat: "X-API-Key" } }, async ({ proxy }) => {
      assert.equal((await proxy.send({ ...post, headers: { "mcp-session-id": "s" } })).status, 502);
      assert.equal((await proxy.send({})).status, 502);
    });
    assert.equal(other.received.length, 0);
    await other.close();
  });

  test(`trap 12: the downstream is sent its own Host${way}`, async () => {
    await pair(json({}), {}, async ({ fake, proxy }) => {
      const client = rawRequest(
        proxy.port,
        rawHead(proxy, "GET").replace("Host: 127.0.0.1", "Host: proxy.example.com"),
      );
      await client.until("200 ");
      client.destroy();
      assert.equal(fake.received[0]!.headers.host, `127.0.0.1:${fake.port}`);
    });
  });

  test(`trap 13: what Connection names does not cross, in either direction${way}`, async () => {
    const down = {
      "connection": "x-hop, keep-alive",
      "x-hop": "1",
      "keep-alive": "timeout=7",
      "proxy-authenticate": "x",
    };
    await pair(json({}, { headers: down }), {}, async ({ fake, proxy }) => {
      const up = { "Connection": "x-up, keep-alive", "X-Up": "1", "Keep-Alive": "timeout=9", "TE": "trailers" };
      const client = rawRequest(proxy.port, rawHead(proxy, "GET", up));
      const head = (await client.until("{}")).toLowerCase();
      client.destroy();
      for (const name of ["x-up", "keep-alive", "te"]) assert.equal(fake.received[0]!.headers[name], undefined, name);
      assert.doesNotMatch(head, /x-hop|timeout=7|proxy-authenticate/);
    });
  });

  test(`trap 14: the downstream's resource_metadata never reaches the client${way}`, async () => {
    const headers = { "www-authenticate": 'Bearer resource_metadata="https://other.example/.well-known/x"' };
    for (const status of [401, 403, 400, 200]) {
      await pair(json({}, { status, headers }), {}, async ({ proxy }) => {
        const answer = await proxy.send(post);
        assert.equal(answer.status, status);
        assert.doesNotMatch(answer.headers.get("www-authenticate") ?? "", /other\.example/);
      });
    }
  });

  test(`trap 15: a DELETE goes up without a body, however the client framed one${way}`, async () => {
    await pair(json({}), {}, async ({ fake, proxy }) => {
      for (
        const [framing, body] of [
          [{}, ""],
          [{ "Content-Length": "0" }, ""],
          [{ "Content-Length": "2" }, "{}"],
          [{ "Transfer-Encoding": "chunked" }, "2\r\n{}\r\n0\r\n\r\n"],
        ] as [Record<string, string>, string][]
      ) {
        const client = rawRequest(proxy.port, rawHead(proxy, "DELETE", framing) + body);
        await client.until("200 ");
        client.destroy();
      }
      assert.equal(fake.received.length, 4);
      for (const { headers, body } of fake.received) {
        assert.equal(headers["transfer-encoding"], undefined);
        assert.equal(body, "");
      }
    });
  });
}

/** Resolves when the idle limit has cut a quiet stream that did not ask to be kept open. */
async function control(): Promise<void> {
  const listener = runtime.serve({
    host: "127.0.0.1",
    port: 0,
    idleTimeoutSeconds: 1,
    fetch: () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("on")) })),
  });
  await rawRequest(listener.port, requestHead("GET", "/", {})).closed;
  await listener.stop(0);
}

function splitHead(text: string): [head: string, body: string] {
  const end = text.indexOf("\r\n\r\n");
  return [text.slice(0, end), text.slice(end + 4)];
}

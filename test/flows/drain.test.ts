// SIGTERM as seen from outside. The grace is an hour, so whatever ends here ended for another reason.
import assert from "node:assert/strict";
import { test } from "node:test";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { eventually } from "../support/eventually.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";
import { rawRequest, requestHead } from "../support/raw_http.ts";

/** A downstream whose answer goes on until it is released. */
function startHeldDownstream() {
  const held = Promise.withResolvers<void>();
  const text = new TextEncoder();
  const listener = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: (_request, connection) => {
      connection.keepOpen();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(text.encode("data: begun\n\n"));
          await held.promise;
          controller.enqueue(text.encode("data: finished\n\n"));
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}/mcp`,
    release: held.resolve,
    async [Symbol.asyncDispose]() {
      held.resolve();
      await listener.stop(0);
    },
  };
}

const start = (downstreamUrl: string) =>
  startProxy({
    server: "shutdown_grace = 3600",
    toml: `[downstream.demo]
display_name = "Demo"
strategy = "passthrough"
downstream_url = "${downstreamUrl}"
`,
  });

/** Signed in, with a stream open whose first event has arrived. */
async function openStream(proxy: { url: string }) {
  const client = await createTestClient(proxy.url, "demo");
  const { access_token = "" } = await client.signIn("the-key");
  const answer = await client.mcp(access_token, { headers: { accept: "text/event-stream" } });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("begun")) text += (await reader.read()).value ?? "";
  const rest = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    return text;
  };
  return { token: access_token, rest };
}

test("S2-03: while it drains probes are answered, all else is asked to come back in its own form, and what runs finishes", async () => {
  await using downstream = startHeldDownstream();
  await using proxy = await start(downstream.url);
  const { token, rest } = await openStream(proxy);
  const ended = proxy.stop();
  await proxy.logged("server_draining");

  const ask = (path: string, init?: RequestInit) => fetch(proxy.url + path, init);
  const ready = await ask("/readyz");
  assert.deepEqual([ready.status, await ready.text()], [503, "draining\n"]);
  for (const path of ["/health", "/healthz", "/metrics"]) {
    const answer = await ask(path);
    await answer.text();
    assert.equal(answer.status, 200, path);
  }
  for (
    const [path, init] of [
      ["/mcp/demo", { method: "POST", body: "{}", headers: { authorization: `Bearer ${token}` } }],
      ["/token/mcp/demo", { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token" }) }],
      ["/register/mcp/demo", { method: "POST", body: "{}" }],
      ["/.well-known/oauth-authorization-server/mcp/demo", {}],
      ["/authenticate/mcp/demo", {}],
    ] as [string, RequestInit][]
  ) {
    const answer = await ask(path, init);
    assert.deepEqual([path, answer.status, answer.headers.get("retry-after")], [path, 503, "5"]);
    const { error, error_description } = await answer.json() as Record<string, string>;
    assert.equal(error, "temporarily_unavailable", path);
    assert.match(error_description!, /restarting/);
  }
  for (const path of ["/authorize/mcp/demo?client_id=x", "/apps", "/"]) {
    const answer = await ask(path);
    assert.deepEqual([path, answer.status, answer.headers.get("retry-after")], [path, 503, "5"]);
    assert.match(await answer.text(), /<h1>[\s\S]*restarting/);
  }
  const raw = rawRequest(proxy.port, requestHead("GET", "/mcp/demo", {}));
  assert.match(await raw.until("\r\n\r\n"), /^connection: close\r$/im);
  raw.destroy();

  downstream.release();
  assert.match(await rest(), /finished/);
  assert.equal(await ended, 0);
});

test("S2-03: whoever watches /readyz is told before the listener closes; nobody else is waited for", async () => {
  await using unwatched = await start("http://127.0.0.1:9/mcp");
  assert.equal((await fetch(`${unwatched.url}/healthz`)).status, 200);
  assert.equal(await unwatched.stop(), 0);

  await using watched = await start("http://127.0.0.1:9/mcp");
  const ready = async () => {
    const answer = await fetch(`${watched.url}/readyz`);
    await answer.text();
    return answer.status;
  };
  assert.deepEqual([await ready(), await ready()], [200, 200]);
  const ended = watched.stop();
  await watched.logged("server_draining");
  assert.equal(await ready(), 503);
  assert.equal(await ended, 0);
});

test("S2-08: a second SIGTERM ends the drain at once, with 0", async () => {
  await using downstream = startHeldDownstream();
  await using proxy = await start(downstream.url);
  const { rest } = await openStream(proxy);
  let code: number | null | undefined;
  void proxy.stop().then((ended) => code = ended);
  await proxy.logged("server_draining");
  // A signal right after the first is taken for the same one, passed on by a terminal and npm alike.
  await eventually(async () => {
    if (code === undefined) process.kill(proxy.pid, "SIGTERM");
    assert.equal(code, 0);
  });
  await assert.rejects(rest());
});

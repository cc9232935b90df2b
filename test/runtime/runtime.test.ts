// What lib/runtime promises, on whichever runtime runs the test.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import {
  type Connection,
  currentRuntime,
  type Listener,
  streamsAllowedByFileLimit,
} from "../../lib/runtime/runtime.ts";
import { rawRequest } from "../support/raw_http.ts";

const runtime = currentRuntime();
const onlyBun = runtime.name === "bun" ? false : "Deno has no cap on outgoing requests and no re-exec";

function serve(fetch: (request: Request, connection: Connection) => Response | Promise<Response>): Listener {
  return runtime.serve({ host: "127.0.0.1", port: 0, fetch });
}

test("a request comes with the peer's address, and the listener tells its port", async () => {
  const listener = serve((_request, connection) => new Response(connection.remoteAddress));
  assert.equal(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text(), "127.0.0.1");
  await listener.stop(0);
});

test("a request without a Host header (HTTP/1.0, HAProxy's health checks) has a whole URL all the same", async () => {
  const listener = serve(async (request) => new Response(`${new URL(request.url).pathname} ${await request.text()}`));
  for (const host of ["", "Host:\r\n"]) {
    const exchange = rawRequest(listener.port, `POST /readyz?a HTTP/1.0\r\n${host}Content-Length: 4\r\n\r\nbody`);
    assert.match(await exchange.until("/readyz body"), /^HTTP\/1\.[01] 200 /);
    exchange.destroy();
  }
  await listener.stop(0);
});

test("a port in use throws at once", async () => {
  const listener = serve(() => new Response());
  assert.throws(() => runtime.serve({ host: "127.0.0.1", port: listener.port, fetch: () => new Response() }));
  await listener.stop(0);
});

test("trap 17: 33 KB of request headers are accepted", async () => {
  const listener = serve((request) => new Response(String(request.headers.get("x-long")?.length)));
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`, { headers: { "x-long": "a".repeat(33_000) } });
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "33000");
  await listener.stop(0);
});

test("stop lets a running exchange finish, accepts nothing new, and resolves when it is done", async () => {
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const listener = serve(async () => {
    arrived.resolve();
    await release.promise;
    return new Response("finished");
  });
  const running = fetch(`http://127.0.0.1:${listener.port}/`);
  await arrived.promise;
  const stopped = listener.stop(30);
  await assert.rejects(fetch(`http://127.0.0.1:${listener.port}/`));
  release.resolve();
  assert.equal(await (await running).text(), "finished");
  await stopped;
});

test("stop gives up on an endless stream after the grace", async () => {
  const listener = serve(() =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("on")) }))
  );
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`);
  const reader = answer.body!.getReader();
  await reader.read();
  await listener.stop(0.05);
  await reader.cancel();
});

test("streamsAllowedByFileLimit counts two files for each stream", () => {
  const allowed = streamsAllowedByFileLimit();
  if (runtime.name === "bun" && process.platform === "linux") assert.ok(allowed! > 10);
  else assert.equal(allowed, undefined); // Deno may not read /proc
});

test(
  "trap 4: the program replaces itself once by one without the cap; pid, arguments and environment stay",
  { skip: onlyBun },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "reexec-"));
    const script = join(folder, "script.ts");
    writeFileSync(
      script,
      `import { currentRuntime } from ${JSON.stringify(resolve(import.meta.dirname!, "../../lib/runtime/runtime.ts"))};
      console.log("started");
      const raised = currentRuntime().raiseOutgoingLimit();
      console.log(JSON.stringify({ raised, pid: process.pid, args: process.argv.slice(2),
        cap: process.env.BUN_CONFIG_MAX_HTTP_REQUESTS, kept: process.env.KEPT }));`,
    );
    const { BUN_CONFIG_MAX_HTTP_REQUESTS: _, ...env } = process.env;
    const child = spawn(process.execPath, [script, "serve", "-p", "8080"], { env: { ...env, KEPT: "yes" } });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    await new Promise((resolve) => child.on("close", resolve));
    rmSync(folder, { recursive: true });
    const lines = output.trim().split("\n");
    assert.deepEqual(lines.slice(0, 2), ["started", "started"]);
    assert.deepEqual(JSON.parse(lines[2]!), {
      raised: true,
      pid: child.pid,
      args: ["serve", "-p", "8080"],
      cap: "65535",
      kept: "yes",
    });
  },
);

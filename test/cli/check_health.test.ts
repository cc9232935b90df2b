// check --health, as a container's health check runs it.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { test } from "node:test";
import { currentRuntime } from "../../lib/runtime/runtime.ts";
import { runProgram } from "../support/program.ts";
import { startProxy } from "../support/proxy_process.ts";

const environment = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "" };

test("check --health: 0 while the server of the file answers, whatever became of the file and whatever proxy is set; 1 after", async () => {
  await using proxy = await startProxy({
    toml: `[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  });
  const check = () =>
    runProgram(["check", "--health", "-c", proxy.configPath], {
      env: { ...environment, HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" },
    });
  appendFileSync(proxy.configPath, "no_such_key = 1\n");
  assert.deepEqual(await check(), { code: 0, signal: null, output: `${proxy.url}/healthz answers 200\n` });
  assert.equal(await proxy.stop(), 0);
  const { code, output } = await runProgram(["check", "--health", "-p", String(proxy.port)]);
  assert.equal(code, 1, output);
  assert.match(output, /\/healthz does not answer: ECONNREFUSED/);
});

test("check --health: 1 where something else answers; flags beat the file", async () => {
  const listener = currentRuntime().serve({
    host: "127.0.0.1",
    port: 0,
    fetch: () => new Response(null, { status: 500 }),
  });
  const flags = ["--host", "127.0.0.1", "-p", String(listener.port)];
  const { code, output } = await runProgram(["check", "--health", "-c", "/no/such/file.toml", ...flags]);
  await listener.stop(0);
  assert.equal(code, 1, output);
  assert.match(output, /\/healthz answers 500/);
});

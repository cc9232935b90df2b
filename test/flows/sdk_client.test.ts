// Issue 2: the official TypeScript SDK (1.x) as an application uses it, from a bare URL to a refreshed token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  allow,
  assertOneLoginAndOneRefresh,
  countingTool,
  downstreamTransports,
  type Stage,
  stageEverything,
} from "../support/everything.ts";
import { createOAuthProvider, type TestOAuthProvider } from "../support/oauth_provider.ts";

for (const kind of downstreamTransports) {
  test(`issue 2: the SDK client signs in, lists, calls with progress and refreshes over ${kind}`, async () => {
    await using stage = await stageEverything(kind);
    const provider = createOAuthProvider();
    const createTransport = () =>
      kind === "HTTP+SSE"
        ? new SSEClientTransport(new URL(stage.url), { authProvider: provider })
        : new StreamableHTTPClientTransport(new URL(stage.url), { authProvider: provider });
    await signIn(createTransport(), provider);
    const client = new Client({ name: "test", version: "1" });
    await client.connect(createTransport() as Transport);
    try {
      await useEverything(client, stage, provider);
    } finally {
      await client.close();
    }
    await assertOneLoginAndOneRefresh(stage);
  });
}

async function signIn(
  transport: SSEClientTransport | StreamableHTTPClientTransport,
  provider: TestOAuthProvider,
): Promise<void> {
  const client = new Client({ name: "test", version: "1" });
  await assert.rejects(client.connect(transport as Transport), UnauthorizedError);
  const callback = await allow(provider.authorizationUrl!);
  assert.equal(callback.origin + callback.pathname, provider.redirectUrl);
  await transport.finishAuth(callback.searchParams.get("code")!);
  await client.close();
}

async function useEverything(client: Client, stage: Stage, provider: TestOAuthProvider): Promise<void> {
  const { tools } = await client.listTools();
  assert.ok(tools.some(({ name }) => name === countingTool));
  await countTo(4, client);

  // The first step must arrive while the tool still runs: it would run for a minute.
  const abort = new AbortController();
  const unfinished = client.callTool({ name: countingTool, arguments: { duration: 60, steps: 600 } }, undefined, {
    onprogress: () => abort.abort("seen enough"),
    signal: abort.signal,
  });
  await assert.rejects(unfinished, /seen enough/);

  const before = provider.accessToken();
  await stage.revoke(before);
  await countTo(4, client);
  assert.notEqual(provider.accessToken(), before);
}

async function countTo(steps: number, client: Client): Promise<void> {
  const seen: number[] = [];
  const call = { name: countingTool, arguments: { duration: 0.4, steps } };
  // The SDK may drop those that come together with the result: the last one, and more on a busy machine; were it all, then again.
  for (let tries = 0; tries < 5 && seen.length === 0; tries++) {
    const result = await client.callTool(call, undefined, { onprogress: ({ progress }) => void seen.push(progress) });
    assert.match(JSON.stringify(result.content), new RegExp(`Long running operation completed.*Steps: ${steps}`));
  }
  assert.ok(seen.length > 0);
  assert.deepEqual(seen, [1, 2, 3, 4].slice(0, seen.length));
}

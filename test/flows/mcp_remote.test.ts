// Issue 2: mcp-remote, the stdio bridge of desktop clients that know no OAuth. It signs in by itself; the desktop client here is the SDK's.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  allow,
  assertOneLoginAndOneRefresh,
  countingTool,
  downstreamTransports,
  stageEverything,
} from "../support/everything.ts";
import { node22 } from "../support/node22.ts";
import { readFilesUnder } from "../support/read_files.ts";

for (const kind of downstreamTransports) {
  test(`issue 2: mcp-remote signs in, lists, calls with progress and refreshes over ${kind}`, async () => {
    await using stage = await stageEverything(kind);
    const folder = mkdtempSync(join(tmpdir(), "mcp-remote-"));
    const transport = bridge(stage.url, { folder, strategy: kind === "HTTP+SSE" ? "sse-only" : "http-only" });
    const signedIn = signInWhenAsked(transport);
    const client = new Client({ name: "test", version: "1" });
    try {
      // It answers the first message only after the login, so a login that failed must not leave this waiting.
      await Promise.race([client.connect(transport), signedIn.then(() => new Promise(() => {}))]);
      await signedIn;
      assert.ok((await client.listTools()).tools.some(({ name }) => name === countingTool));
      await countToFour(client);
      const before = accessToken(folder);
      await stage.revoke(before);
      await countToFour(client);
      assert.notEqual(accessToken(folder), before);
    } finally {
      await client.close();
      rmSync(folder, { recursive: true });
    }
    await assertOneLoginAndOneRefresh(stage);
  });
}

function bridge(url: string, { folder, strategy }: { folder: string; strategy: string }): StdioClientTransport {
  const [command, ...script] = node22("mcp-remote/dist/proxy.js");
  return new StdioClientTransport({
    command,
    args: [...script, url, "--host", "127.0.0.1", "--transport", strategy],
    env: { PATH: process.env.PATH ?? "", HOME: folder, MCP_REMOTE_CONFIG_DIR: folder, BROWSER: "/bin/true" },
    stderr: "pipe",
  });
}

/** The user, who is shown a URL on standard error. Rejects when the login fails. */
async function signInWhenAsked(transport: StdioClientTransport): Promise<void> {
  const url = await new Promise<string>((settle) => {
    let output = "";
    transport.stderr!.on("data", (chunk) => {
      output += chunk;
      const asked = /Please authorize this client by visiting:\s+(http\S+)\s/.exec(output);
      if (asked !== null) settle(asked[1]!);
    });
  });
  const answer = await fetch(await allow(url));
  await answer.body?.cancel();
  assert.equal(answer.status, 200);
}

function accessToken(folder: string): string {
  return /"access_token": *"([^"]+)"/.exec(readFilesUnder(folder))?.[1] ?? "";
}

async function countToFour(client: Client): Promise<void> {
  const seen: number[] = [];
  const call = { name: countingTool, arguments: { duration: 0.4, steps: 4 } };
  // The SDK may drop those that come together with the result: the last one, and more on a busy machine; were it all, then again.
  for (let tries = 0; tries < 5 && seen.length === 0; tries++) {
    const result = await client.callTool(call, undefined, { onprogress: ({ progress }) => void seen.push(progress) });
    assert.match(JSON.stringify(result.content), /Long running operation completed.*Steps: 4/);
  }
  assert.ok(seen.length > 0);
  assert.deepEqual(seen, [1, 2, 3, 4].slice(0, seen.length));
}

// Issue 2: the inspector's command line. Each call is a process of its own that finds the login of the one before on disk.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  allow,
  assertOneLoginAndOneRefresh,
  countingTool,
  downstreamTransports,
  stageEverything,
} from "../support/everything.ts";
import { freePort } from "../support/free_port.ts";
import { node22 } from "../support/node22.ts";
import { type RunningProgram, startProgram } from "../support/program.ts";
import { readFilesUnder } from "../support/read_files.ts";

/** The inspector asks for no progress by itself and prints none; a token of our own makes the server send it before the result. */
const countToFour = [
  ...["--method", "tools/call", "--tool-name", countingTool, "--tool-args-json", '{"duration":0.2,"steps":4}'],
  ...["--tool-metadata", "progressToken=1", "--stored-auth-only"],
];

for (const kind of downstreamTransports) {
  test(`issue 2: the inspector's CLI signs in, lists, calls and refreshes over ${kind}`, async () => {
    await using stage = await stageEverything(kind);
    const home = mkdtempSync(join(tmpdir(), "inspector-"));
    const target = [stage.url, "--transport", kind === "HTTP+SSE" ? "sse" : "http"];
    try {
      const callbackUrl = `http://127.0.0.1:${await freePort()}/oauth/callback`;
      const listing = inspect(home, [...target, "--callback-url", callbackUrl, "--method", "tools/list"]);
      const [, authorizationUrl] = await listing.waitFor(/Please navigate to: (http\S+)\s/);
      const callback = await allow(authorizationUrl!);
      assert.equal(callback.origin + callback.pathname, callbackUrl);
      assert.equal((await fetch(callback)).status, 200);
      assert.match(await outputOf(listing), new RegExp(`"name": "${countingTool}"`));

      const completed = /Long running operation completed.*Steps: 4/;
      assert.match(await outputOf(inspect(home, [...target, ...countToFour])), completed);
      const before = accessToken(home);
      await stage.revoke(before);
      assert.match(await outputOf(inspect(home, [...target, ...countToFour])), completed);
      assert.notEqual(accessToken(home), before);
    } finally {
      rmSync(home, { recursive: true });
    }
    await assertOneLoginAndOneRefresh(stage);
  });
}

function inspect(home: string, args: string[]): RunningProgram {
  return startProgram(["--cli", ...args], {
    command: node22("@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
    env: {
      PATH: process.env.PATH ?? "",
      HOME: home,
      BROWSER: "/bin/true",
      MCP_AUTO_OPEN_ENABLED: "true",
      MCP_INSPECTOR_SECRET_STORE: "file",
    },
  });
}

async function outputOf(program: RunningProgram): Promise<string> {
  const { code } = await program.ended;
  assert.equal(code, 0, program.output());
  return program.output();
}

/** It stores JSON within JSON. */
function accessToken(home: string): string {
  return /access_token\\?": ?\\?"([^"\\]+)/.exec(readFilesUnder(home))?.[1] ?? "";
}

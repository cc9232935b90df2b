// demo as a person runs it: one command, and what it prints is enough to connect a client.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { test } from "node:test";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";

import { eventually } from "../support/eventually.ts";
import { createTestClient, redirectUri } from "../support/oauth_test_client.ts";
import { programCommand, startProgram } from "../support/program.ts";

const root = resolve(import.meta.dirname!, "../..");
const command = programCommand("start");

test("demo prints a URL and a key with which a client signs in and calls a tool", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    const [, key = ""] = await program.waitFor(/API key\s+(\S+)/);
    const oauth = await createTestClient(new URL(url).origin, "demo");
    const { access_token } = await oauth.signIn(key);
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${access_token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
    const progress: number[] = [];
    const result = await client.callTool({ name: "slow", arguments: { seconds: 0.1, steps: 2 } }, undefined, {
      onprogress: (step) => void progress.push(step.progress),
    });
    assert.deepEqual(result.content, [{ type: "text", text: "Done after 0.1 seconds in 2 steps." }]);
    assert.deepEqual(progress, [1, 2]);
    await client.close();
    program.kill("SIGTERM");
    assert.equal((await program.ended).code, 0);
  } finally {
    await program.destroy();
  }
});

test("demo shows the key page again for a wrong key", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    const oauth = await createTestClient(new URL(url).origin, "demo");
    const answer = await oauth.browser.submit(await oauth.authorize(), { token: "wrong", decision: "allow" });
    assert.equal(answer.location, undefined);
    assert.match(answer.html, /<form/);
  } finally {
    await program.destroy();
  }
});

test("demo prints the commands for the inspector, Claude Code and VS Code, with its own URL in each", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    await program.waitFor(/Ctrl\+C/);
    assert.ok(
      program.output().includes(`npx @modelcontextprotocol/inspector --web --server-url ${url} --transport http`),
    );
    assert.ok(program.output().includes(`claude mcp add --transport http demo ${url}`));
    assert.ok(program.output().includes(`code --add-mcp '{"name":"demo","type":"http","url":"${url}"}'`));
  } finally {
    await program.destroy();
  }
});

test("demo has the same server behind a sign-in: Ada of the team gets in without the key, Bob and a cancel do not", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/Sign in instead\s+(\S+)/);
    const oauth = await createTestClient(new URL(url).origin, "team");
    const answerFor = async (user: string) => {
      const sent = await oauth.browser.submit(await oauth.authorize(), { decision: "allow", "scope:quick": "on" });
      const form = await oauth.browser.follow(sent, redirectUri);
      const back = await oauth.browser.follow(await oauth.browser.submit(form, { user }), redirectUri);
      return new URL(back.location!).searchParams;
    };
    assert.equal((await answerFor("bob")).get("error"), "access_denied");
    assert.equal((await answerFor("")).get("error"), "access_denied");
    const { body } = await oauth.redeem((await answerFor("ada")).get("code")!);
    const refreshed = await oauth.refresh(body.refresh_token!);
    const client = new Client({ name: "test", version: "1" });
    const requestInit = { headers: { authorization: `Bearer ${refreshed.body.access_token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
    const result = await client.callTool({ name: "add", arguments: { a: 2, b: 3 } });
    assert.match(JSON.stringify(result.content), /5/);
    assert.deepEqual((await client.listTools()).tools.map(({ name }) => name), ["echo", "add", "time"]);
    await client.close();
  } finally {
    await program.destroy();
  }
});

test("demo has a server behind another service's OAuth: its token goes there, and a refresh renews it", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/Another service\s+(\S+)/);
    const oauth = await createTestClient(new URL(url).origin, "files");
    const sent = await oauth.browser.submit(await oauth.authorize(), { decision: "allow" });
    const form = await oauth.browser.follow(sent, redirectUri);
    const back = await oauth.browser.follow(await oauth.browser.submit(form, { user: "bob" }), redirectUri);
    const { body } = await oauth.redeem(new URL(back.location!).searchParams.get("code")!);
    const refreshed = await oauth.refresh(body.refresh_token!);
    for (const token of [body.access_token, refreshed.body.access_token]) {
      const client = new Client({ name: "test", version: "1" });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
      const result = await client.callTool({ name: "echo", arguments: { text: "through two doors" } });
      assert.match(JSON.stringify(result.content), /through two doors/);
      await client.close();
    }
  } finally {
    await program.destroy();
  }
});

test("the demo's home page lists its three servers, all up", async () => {
  const program = startProgram(["demo", "-p", "0"], { command });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    const answer = await fetch(new URL("/", url));
    assert.equal(answer.status, 200);
    assert.equal([...(await answer.text()).matchAll(/class="up"/g)].length, 3);
  } finally {
    await program.destroy();
  }
});

test("demo on a port that is taken says so and ends with 1", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  const { port } = squatter.address() as { port: number };
  const program = startProgram(["demo", "-p", String(port)], { command });
  try {
    assert.equal((await program.ended).code, 1);
    assert.match(program.output(), new RegExp(`Port ${port} is taken`));
  } finally {
    await program.destroy();
    squatter.close();
  }
});

// Whoever else has 8080, such as this test of another suite, may give it back in between: then all of it again.
test("demo takes the next port and says so when 8080 is taken", () => eventually(besideATakenPort));

async function besideATakenPort(): Promise<void> {
  const squatter = createServer();
  await new Promise<void>((resolve) => {
    squatter.on("error", () => resolve()); // somebody else has it: just as well
    squatter.listen(8080, "127.0.0.1", resolve);
  });
  const program = startProgram(["demo"], { command });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    const [, port] = /Port 8080 is taken, so this is on (\d+)/.exec(program.output()) ?? [];
    assert.equal(port, new URL(url).port, program.output());
    assert.equal((await fetch(new URL("/healthz", url))).status, 200);
  } finally {
    await program.destroy();
    squatter.close();
  }
}

test("`deno task start` runs the demo with the permissions it grants, and passes SIGTERM on", async () => {
  const deno = "Deno" in globalThis ? process.execPath : resolve(root, "node_modules/deno/deno");
  const program = startProgram(["task", "start", "-p", "0"], { command: [deno] });
  try {
    const [, url = ""] = await program.waitFor(/URL to paste\s+(\S+)/);
    assert.equal((await fetch(new URL("/healthz", url))).status, 200);
    program.kill("SIGTERM");
    await program.waitFor(/server_stopped/);
    await program.ended;
  } finally {
    await program.destroy();
  }
});

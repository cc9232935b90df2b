// The stage for real clients: the official @modelcontextprotocol/server-everything, and our proxy in front of it.
import assert from "node:assert/strict";
import { createBrowser } from "./browser.ts";
import { node22 } from "./node22.ts";
import { startProgram } from "./program.ts";
import { type ProxyProcess, startProxy } from "./proxy_process.ts";

export type DownstreamTransport = "Streamable HTTP" | "HTTP+SSE";
export const downstreamTransports: DownstreamTransport[] = ["Streamable HTTP", "HTTP+SSE"];

/** A tool that counts up to `steps` in `duration` seconds. */
export const countingTool = "trigger-long-running-operation";

export interface Stage {
  proxy: ProxyProcess;
  /** What a user pastes into a client. */
  url: string;
  /** The log's events of that name, of all that was answered before this call. */
  events(name: string): Promise<Record<string, unknown>[]>;
  /** RFC 7009, as the client that was issued a token last: its next request is answered with 401. */
  revoke(accessToken: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** server-everything wants no key; whatever the user pastes goes along and is ignored. */
export async function stageEverything(transport: DownstreamTransport): Promise<Stage> {
  const [mode, path] = transport === "HTTP+SSE" ? ["sse", "/sse"] : ["streamableHttp", "/mcp"];
  const server = startProgram([mode], {
    command: node22("@modelcontextprotocol/server-everything/dist/index.js"),
    env: { PATH: process.env.PATH ?? "", PORT: "0" },
  });
  const [, port] = await server.waitFor(/listening .*"port":(\d+)/);
  const stage = await stageDownstream(`http://127.0.0.1:${port}${path}`);
  return {
    ...stage,
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      await server.destroy();
    },
  };
}

/** Our proxy in front of any downstream. */
export async function stageDownstream(downstreamUrl: string): Promise<Stage> {
  const proxy = await startProxy({
    toml: `
[downstream.everything]
display_name = "Everything"
strategy = "passthrough"
downstream_url = "${downstreamUrl}"
`,
  });
  const events = async (name: string) =>
    (await proxy.settledOutput()).split("\n")
      .filter((line) => line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line));
  return {
    proxy,
    url: `${proxy.url}/mcp/everything`,
    events,
    async revoke(token) {
      const client_id = String((await events("token_issued")).at(-1)?.client_id);
      const body = new URLSearchParams({ token, client_id });
      const answer = await fetch(`${proxy.url}/revoke/mcp/everything`, { method: "POST", body });
      assert.equal(answer.status, 200);
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

/** The user: opens the page, pastes the key, allows. @returns where the browser is sent then, with code, state and iss */
export async function allow(authorizationUrl: string, key = "the-key"): Promise<URL> {
  const browser = createBrowser();
  const answer = await browser.submit(await browser.get(authorizationUrl), { token: key, decision: "allow" });
  assert.equal(answer.status, 303, answer.html);
  return new URL(answer.location!);
}

/** One registration, one login, one refresh and no more: what the whole visit of a client must have cost. */
export async function assertOneLoginAndOneRefresh({ events }: Stage): Promise<void> {
  assert.equal((await events("client_registered")).length, 1);
  assert.equal((await events("authorization_code_issued")).length, 1);
  const grantTypes = (await events("token_issued")).map(({ grant_type }) => grant_type);
  assert.deepEqual(grantTypes, ["authorization_code", "refresh_token"]);
}

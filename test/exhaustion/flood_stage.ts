// A proxy whose memory is watched, a user who is at work in it, an MCP server that does its worst, and tokens for all of it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseMetrics } from "../support/metrics_text.ts";
import { createMint } from "../support/minted_tokens.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { requestHead } from "../support/raw_http.ts";
import { recordingDownstream } from "../support/recording_downstream.ts";

/** `npm run test:long`: minutes instead of a second, and figures instead of bare limits. */
export const isLong = process.env.MCP_OAUTH_PROXY_LONG === "1";

/** How a downstream answers, by the header `x-attack` of the request. */
export type Attacks = Record<string, (answer: ServerResponse) => void | Promise<void>>;

export interface FloodStage {
  proxy: ProxyProcess;
  /** A call of somebody else's, to somebody else's MCP server: milliseconds. */
  userCall(): Promise<number>;
  /** A call to the MCP server that attacks; `filtered`: through the filter of tools/list. */
  attack(name: string, options?: { filtered?: boolean }): Promise<Response>;
  /** The same as it is sent, for a client that doesn't read. */
  attackHead(name: string, options?: { filtered?: boolean }): string;
  /** Megabytes that the process holds. */
  residentMegabytes(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

const call = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

export async function stageFlood(attacks: Attacks = {}): Promise<FloodStage> {
  await using cleanUp = new AsyncDisposableStack();
  const good = cleanUp.use(await recordingDownstream());
  const hostile = cleanUp.use(await startHostileServer(attacks));
  const stateSecret = randomBytes(32).toString("base64");
  const toml = `
[rate_limit]
per_address = 0
per_client = 0
[provider.company]
kind = "oidc"
issuer = "http://127.0.0.1:1"
client_id = "proxy"
client_secret = "secret"
[downstream.good]
display_name = "Good"
strategy = "passthrough"
downstream_url = "${good.url}"
[downstream.hostile]
display_name = "Hostile"
strategy = "passthrough"
downstream_url = "${hostile.url}"
[downstream.filtered]
display_name = "Filtered"
strategy = "login"
provider = "company"
allow_everyone = true
downstream_url = "${hostile.url}"
[[downstream.filtered.tool_scopes]]
name = "read"
tools = ["tool-7"]
`;
  const proxy = cleanUp.use(await startProxy({ stateSecret, toml }));
  const mint = createMint(`[server]\npublic_url = "${proxy.url}"\nstate_secret = "${stateSecret}"\n${toml}`);
  const credential = { value: "the-key" };
  const tokens = {
    good: await mint("good", { credential }),
    hostile: await mint("hostile", { credential }),
    filtered: await mint("filtered", { scope: ["read"], identity: { subject: "user-1" } }),
  };
  const headersFor = (downstream: keyof typeof tokens, attack = "none") => ({
    path: `/mcp/${downstream}`,
    headers: {
      "authorization": `Bearer ${tokens[downstream]}`,
      "content-type": "application/json",
      "accept": "application/json, text/event-stream",
      "x-attack": attack,
    },
  });
  const post = ({ path, headers }: ReturnType<typeof headersFor>) =>
    fetch(proxy.url + path, { method: "POST", headers, body: call });
  const rest = cleanUp.move();
  return {
    proxy,
    async userCall() {
      const started = performance.now();
      const answer = await post(headersFor("good"));
      await answer.text();
      assert.equal(answer.status, 200, "another user is served");
      return performance.now() - started;
    },
    attack: (name, { filtered = false } = {}) => post(headersFor(filtered ? "filtered" : "hostile", name)),
    attackHead(name, { filtered = false } = {}) {
      const { path, headers } = headersFor(filtered ? "filtered" : "hostile", name);
      return requestHead("POST", path, { ...headers, "content-length": `${call.length}` }) + call;
    },
    async residentMegabytes() {
      const metrics = parseMetrics(await (await fetch(`${proxy.url}/metrics`)).text());
      return metrics.find("process_resident_memory_bytes")! / 1_048_576;
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

async function startHostileServer(attacks: Attacks) {
  const server = createServer((request, answer) => {
    answer.on("error", () => answer.destroy());
    request.resume().on("end", () => void attacks[String(request.headers["x-attack"])]?.(answer));
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((settle) => {
        server.closeAllConnections();
        server.close(() => settle());
      }),
  };
}

/** The 99th of a hundred, in order of size. */
export function p99(milliseconds: number[]): number {
  return milliseconds.toSorted((a, b) => a - b)[Math.ceil(milliseconds.length * 0.99) - 1]!;
}

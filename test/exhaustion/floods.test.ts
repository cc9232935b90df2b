// Strangers in numbers: what they send costs little memory, and the user who is at work meanwhile is served. `npm run test:long`
// also holds the user's p99 during each flood against the one before it, taken in turns.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { redirectUri } from "../support/oauth_test_client.ts";
import { requestHead } from "../support/raw_http.ts";
import { type FloodStage, isLong, p99, stageFlood } from "./flood_stage.ts";

/** Requests of one flood, sent as fast as four connections carry them; in the long form, at 200 a second. */
const requests = isLong ? 1_500 : 160;
const connections = isLong ? 2_000 : 100;
/** Of the user, before and during. */
const calls = isLong ? 2_000 : 40;
const turns = isLong ? 8 : 1;
/** Of slow connections, for each call of the user; in the long form each connection drips about every second. */
const drips = isLong ? 4 : 50;
const growthMegabytes = isLong ? 256 : 80;

let stage: FloodStage;
let clientId: string;
before(async () => {
  stage = await stageFlood();
  clientId = (await (await register("Test client")).json() as { client_id: string }).client_id;
  for (let i = 0; i < 20; i++) await stage.userCall();
});
after(() => stage[Symbol.asyncDispose]());

const register = (name: string) =>
  fetch(`${stage.proxy.url}/register/mcp/good`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_name: name, redirect_uris: [redirectUri] }),
  });

/** One request of a stranger, and what it is answered with. */
const floods: Record<string, { send: () => Promise<Response>; status: number }> = {
  "registrations": { send: () => register(randomBytes(8).toString("hex")), status: 201 },
  "authorizations": {
    send: () =>
      fetch(
        `${stage.proxy.url}/authorize/mcp/good?${new URLSearchParams({
          response_type: "code",
          client_id: clientId,
          redirect_uri: redirectUri,
          code_challenge: randomBytes(32).toString("base64url"),
          code_challenge_method: "S256",
          state: randomBytes(512).toString("base64url"),
        })}`,
      ),
    status: 200,
  },
  "garbage tokens": {
    send: () =>
      fetch(`${stage.proxy.url}/mcp/good`, {
        method: "POST",
        headers: { authorization: `Bearer ${randomBytes(700).toString("base64url")}` },
        body: "{}",
      }),
    status: 401,
  },
  "garbage codes": {
    send: () =>
      fetch(`${stage.proxy.url}/token/mcp/good`, {
        method: "POST",
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: clientId,
          code: randomBytes(700).toString("base64url"),
          code_verifier: "x".repeat(43),
        }),
      }),
    status: 400,
  },
};

for (const [what, { send, status }] of Object.entries(floods)) {
  test(`S2-39: a flood of ${what} takes little memory, and the user at work is served`, async () => {
    const before = await stage.residentMegabytes();
    let sent = 0;
    const stranger = async () => {
      while (sent++ < requests) {
        const answer = await send();
        await answer.body?.cancel();
        assert.equal(answer.status, status);
        if (isLong) await wait(20); // four strangers: 200 a second
      }
    };
    const [calm, during] = await takeTurns(() => {
      sent = 0;
      return Promise.all([stranger(), stranger(), stranger(), stranger()]);
    });
    const growth = await stage.residentMegabytes() - before;
    assert.ok(growth < growthMegabytes, `the process grew by ${growth.toFixed(0)} MB`);
    compare(what, calm, during);
  });
}

const head = (path: string, headers: Record<string, string>) => requestHead("POST", path, headers).slice(0, -2);
/** What a stranger's connection begins with, and what drips afterwards. */
const slow: Record<string, { first: () => string; drip: string }> = {
  "that send nothing": { first: () => "", drip: "" },
  "whose headers drip": { first: () => head("/token/mcp/good", {}), drip: "x-more: x\r\n" },
  "whose form drips": {
    first: () =>
      `${
        head("/token/mcp/good", { "content-type": "application/x-www-form-urlencoded", "content-length": "60000" })
      }\r\na=`,
    drip: "x",
  },
  "whose endless body is chunked": {
    first: () =>
      `${
        head("/token/mcp/good", { "content-type": "application/x-www-form-urlencoded", "transfer-encoding": "chunked" })
      }\r\n`,
    drip: `400\r\n${"x".repeat(0x400)}\r\n`,
  },
};

for (const [what, { first, drip }] of Object.entries(slow)) {
  test(`S2-07: whoever opens ${connections} connections ${what} keeps nobody out`, async () => {
    const before = await stage.residentMegabytes();
    const [calm, during]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      for (let i = 0; i < calls / turns; i++) calm.push(await stage.userCall());
      const open = await Promise.all(Array.from({ length: connections }, () => dial(first())));
      for (let i = 0; i < calls / turns; i++) {
        // A part of them at a time, for this process sends as well as it measures.
        for (const socket of open.slice((i * drips) % connections).slice(0, drips)) {
          if (socket.writable) socket.write(drip);
        }
        during.push(await stage.userCall());
      }
      const growth = await stage.residentMegabytes() - before;
      open.forEach((socket) => socket.destroy());
      assert.ok(growth < growthMegabytes, `the process grew by ${growth.toFixed(0)} MB`);
    }
    compare(what, calm, during);
  });
}

async function dial(first: string): Promise<Socket> {
  const socket = connect(stage.proxy.port, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {}).write(first);
  return socket;
}

/** The user's calls before and while the flood runs. In the long form each is done several times, in turns. */
async function takeTurns(flood: () => Promise<unknown>): Promise<[calm: number[], during: number[]]> {
  const [calm, during]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < calls / turns; i++) calm.push(await stage.userCall());
    let isOver = false;
    const running = flood().finally(() => isOver = true);
    do during.push(await stage.userCall()); while (!isOver);
    await running;
  }
  return [calm, during];
}

function compare(what: string, calm: number[], during: number[]): void {
  if (!isLong) return;
  const ratio = p99(during) / p99(calm);
  const figures = `p99 ${p99(calm).toFixed(2)} ms before, ${p99(during).toFixed(2)} ms during (${during.length} calls)`;
  console.log(`${what}: ${figures}`);
  assert.ok(ratio <= 3, figures);
}

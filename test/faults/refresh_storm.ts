// Clients that refresh again and again through a bad network, each asking again with the refresh token it has until it has an
// answer. What they count is what a user would notice.
import { type IncomingMessage, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { createTestClient, redirectUri, type TestClient, type TokenAnswer } from "../support/oauth_test_client.ts";

export interface StormOptions {
  /** Where people sign in: the proxy's public URL. */
  publicUrl: string;
  /** Where the clients send their refreshes. */
  relayUrl: string;
  clients: number;
  /** Of the clients, so many have a second caller that sends the same refresh token at the same time. */
  shared: number;
  refreshes: number;
  /** Milliseconds between the refreshes of a client, on the average. */
  restMs: number;
}

export interface StormCounts {
  /** Refresh tokens that were answered with a new pair, whatever it took. */
  refreshed: number;
  /** Requests that it took. */
  requests: number;
  withoutAnswer: number;
  /** Answers 502, 503 and 504, by status. */
  later: Record<string, number>;
  /** `invalid_grant`: the user has to sign in again. */
  forcedLogins: number;
  /** Two callers of one refresh token that got different pairs. */
  split: number;
  /** MCP requests with a new token that were refused. */
  refusedCalls: number;
  /** Milliseconds that one refresh took at most, with all its repetitions. */
  longestMs: number;
  /** When each forced login happened, `performance.now()`. */
  forcedAt: number[];
}

type Pair = { access_token: string; refresh_token: string };

/** A refresh that takes longer than this, with its repetitions, is not coming. */
const patienceMs = 60_000;
const passing = new Set([502, 503, 504]);

export async function refreshStorm(options: StormOptions): Promise<StormCounts> {
  const counts: StormCounts = {
    refreshed: 0,
    requests: 0,
    withoutAnswer: 0,
    later: {},
    forcedLogins: 0,
    split: 0,
    refusedCalls: 0,
    longestMs: 0,
    forcedAt: [],
  };

  /** One refresh token, until there is an answer. */
  async function obtain(clientId: string, refreshToken: string): Promise<Pair | "invalid_grant"> {
    const startedAt = performance.now();
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: refreshToken,
    });
    while (performance.now() - startedAt < patienceMs) {
      counts.requests++;
      const answer = await send(`${options.relayUrl}/token/mcp/notes`, { body: form.toString() });
      if (answer === undefined) counts.withoutAnswer++;
      else if (passing.has(answer.status)) counts.later[answer.status] = (counts.later[answer.status] ?? 0) + 1;
      else {
        counts.longestMs = Math.max(counts.longestMs, Math.round(performance.now() - startedAt));
        const body = JSON.parse(answer.body) as TokenAnswer["body"];
        if (answer.status === 200) return body as unknown as Pair;
        if (body.error === "invalid_grant") return "invalid_grant";
        throw new Error(`a refresh was answered ${answer.status} ${answer.body}`);
      }
      await wait(20 + Math.random() * 100);
    }
    throw new Error(`no answer to a refresh within ${patienceMs / 1000} s`);
  }

  async function call(accessToken: string): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const answer = await send(`${options.relayUrl}/mcp/notes`, { body: "{}", accessToken });
      if (answer !== undefined && !passing.has(answer.status)) {
        if (answer.status !== 200) counts.refusedCalls++;
        return;
      }
      await wait(100);
    }
    throw new Error("no answer to an MCP request");
  }

  /** One client with its user, from the first sign-in to the last refresh. */
  async function live({ refreshes, callers }: { refreshes: number; callers: number }): Promise<void> {
    const client = await createTestClient(options.publicUrl, "notes");
    let pair = await signIn(client);
    for (let done = 0; done < refreshes; done++) {
      await wait(Math.random() * 2 * options.restMs);
      const answers = await Promise.all(
        Array.from({ length: callers }, () => obtain(client.clientId, pair.refresh_token)),
      );
      const got = answers.find((answer) => answer !== "invalid_grant");
      if (got === undefined || answers.includes("invalid_grant")) {
        counts.forcedLogins++;
        counts.forcedAt.push(performance.now());
        pair = await untilUp(() => signIn(client));
        continue;
      }
      if (new Set(answers.map((answer) => (answer as Pair).refresh_token)).size > 1) counts.split++;
      counts.refreshed++;
      pair = got;
      if (done % 5 === 0) await call(pair.access_token);
    }
  }

  await Promise.all(
    Array.from({ length: options.clients }, (_, index) =>
      live({
        refreshes: Math.ceil((options.refreshes - index) / options.clients),
        callers: index < options.shared ? 2 : 1,
      })),
  );
  return counts;
}

async function signIn(client: TestClient): Promise<Pair> {
  const consented = await client.browser.submit(await client.authorize(), { decision: "allow" });
  const back = await client.browser.follow(consented, redirectUri);
  const code = new URL(back.location ?? "about:blank").searchParams.get("code");
  if (code === null) throw new Error(`no code: ${back.status} ${back.location} ${back.html}`);
  return (await client.redeem(code)).body as unknown as Pair;
}

/** Signing in anew is not what is being tried: a proxy that is down meanwhile is waited for. */
async function untilUp<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 0;; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 100) throw error;
      await wait(200);
    }
  }
}

/** undefined when no complete answer came. */
function send(
  url: string,
  { body, accessToken }: { body: string; accessToken?: string },
): Promise<{ status: number; body: string } | undefined> {
  return new Promise((settle) => {
    const lost = () => settle(undefined);
    const sent = request(url, {
      method: "POST",
      agent: false,
      timeout: 40_000,
      headers: {
        connection: "close",
        ...(accessToken === undefined
          ? { "content-type": "application/x-www-form-urlencoded" }
          : { "content-type": "application/json", authorization: `Bearer ${accessToken}` }),
      },
    }, (answer: IncomingMessage) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
      answer.on("end", () => answer.complete ? settle({ status: answer.statusCode!, body: text }) : lost());
      answer.on("error", lost).on("close", lost);
    });
    sent.on("error", lost).on("timeout", () => sent.destroy()).on("close", lost);
    sent.end(body);
  });
}

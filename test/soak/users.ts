// Users of all three strategies at work through their clients: calls, streams, /authenticate, refreshes, sign-ins. Each attempt
// that does not succeed is either explained by the weather, and made again, or a failure.
import { setTimeout as wait } from "node:timers/promises";
import { createTestClient, redirectUri, type TestClient, type TokenAnswer } from "../support/oauth_test_client.ts";
import { met, type Weather } from "./weather.ts";

export const names = ["keys", "notes", "wiki"] as const;
export const kinds = ["call", "stream", "authenticate", "refresh", "sign-in"] as const;
type Kind = (typeof kinds)[number];

export interface Count {
  done: number;
  /** Cut or turned away by a restart that the reverse proxy was not told of before; made again. */
  byRestart: number;
  /** A provider failed; made again. */
  byProvider: number;
  failed: number;
}

export interface Work {
  counts: Record<Kind, Count>;
  /** The first of them, in words. */
  failures: string[];
  longestMs: number;
}

export interface WorkOptions {
  url: string;
  weather: Weather;
  usersOfEach: number;
  /** Between two attempts of a user, on the average. */
  restMs: number;
  signal: AbortSignal;
}

type Outcome<T> = { kind: "done"; value: T } | { kind: "turned away" | "provider" | "wrong"; why: string };
type Pair = { access_token: string; refresh_token: string };

/** An attempt may take so long, with its repetitions. */
const patienceMs = 60_000;
const call = { method: "POST", headers: { "content-type": "application/json" }, body: '{"jsonrpc":"2.0","id":1}' };
const stream = { ...call, body: '{"jsonrpc":"2.0","id":1,"method":"stream"}' };

export async function work({ url, weather, usersOfEach, restMs, signal }: WorkOptions): Promise<Work> {
  const result: Work = {
    counts: Object.fromEntries(
      kinds.map((kind) => [kind, { done: 0, byRestart: 0, byProvider: 0, failed: 0 }]),
    ) as Work["counts"],
    failures: [],
    longestMs: 0,
  };

  /** Until it is done; undefined when it failed. */
  async function attempt<T>(kind: Kind, what: string, send: () => Promise<Outcome<T>>): Promise<T | undefined> {
    const count = result.counts[kind];
    const startedAt = performance.now();
    for (;;) {
      const from = performance.now();
      const outcome = await send().catch((error): Outcome<T> => ({ kind: "turned away", why: String(error) }));
      if (outcome.kind === "done") {
        count.done++;
        result.longestMs = Math.max(result.longestMs, performance.now() - startedAt);
        return outcome.value;
      }
      const isLate = performance.now() - startedAt > patienceMs;
      if (outcome.kind === "turned away" && met(weather.restarts, from) && !isLate) count.byRestart++;
      else if (outcome.kind === "provider" && met(weather.hiccups, from) && !isLate) count.byProvider++;
      else {
        count.failed++;
        if (result.failures.length < 20) result.failures.push(`${kind} ${what}: ${outcome.kind}: ${outcome.why}`);
        return undefined;
      }
      await wait(200 + Math.random() * 600);
    }
  }

  async function signIn(client: TestClient, name: string): Promise<Pair | undefined> {
    return await attempt("sign-in", name, async () => {
      const page = await client.authorize();
      if (page.status !== 200 && page.location === undefined) return judge(page.status, page.html);
      const fields = { decision: "allow", ...(name === "keys" ? { token: "the-key" } : {}) };
      const sent = page.location === undefined ? await client.browser.submit(page, fields) : page;
      const back = await client.browser.follow(sent, redirectUri);
      const answer = new URL(back.location ?? "about:blank").searchParams;
      if (answer.has("error")) return { kind: "provider", why: `${answer}` };
      const code = answer.get("code");
      if (code === null) return judge(back.status, back.html);
      return tokens(await client.redeem(code));
    });
  }

  async function live(name: string, number: number): Promise<void> {
    const client = await createTestClient(url, name, { client_name: `Client ${number}` });
    let pair = await signIn(client, name);
    let renewAt = performance.now() + 20_000 + Math.random() * 60_000;
    while (!signal.aborted) {
      await wait(restMs * 2 * Math.random());
      const dice = Math.random();
      if (pair === undefined || dice < 0.01) pair = await signIn(client, name);
      else if (performance.now() > renewAt || dice < 0.03) {
        const { refresh_token } = pair;
        pair = await attempt("refresh", name, async () => tokens(await client.refresh(refresh_token)));
        renewAt = performance.now() + 20_000 + Math.random() * 60_000;
      } else if (dice < 0.08 && name !== "notes") await attempt("stream", name, () => readStream(client, pair!));
      else if (dice < 0.3) await attempt("authenticate", name, () => authenticate(url, name, pair!));
      else await attempt("call", name, async () => outcomeOf(await client.mcp(pair!.access_token, call)));
    }
  }

  await Promise.all(names.flatMap((name) => Array.from({ length: usersOfEach }, (_, user) => live(name, user))));
  return result;
}

async function authenticate(url: string, name: string, { access_token }: Pair): Promise<Outcome<string>> {
  return outcomeOf(
    await fetch(`${url}/authenticate/mcp/${name}`, { headers: { authorization: `Bearer ${access_token}` } }),
  );
}

async function readStream(client: TestClient, { access_token }: Pair): Promise<Outcome<string>> {
  const outcome = await outcomeOf(await client.mcp(access_token, stream));
  if (outcome.kind !== "done" || outcome.value.includes('"result"')) return outcome;
  return { kind: "turned away", why: `the stream ended after ${outcome.value.length} characters` };
}

async function outcomeOf(response: Response): Promise<Outcome<string>> {
  const text = await response.text();
  return response.status === 200 ? { kind: "done", value: text } : judge(response.status, text);
}

function tokens({ status, body }: TokenAnswer): Outcome<Pair> {
  return status === 200 ? { kind: "done", value: body as unknown as Pair } : judge(status, JSON.stringify(body));
}

/** What kind of refusal it is. */
function judge(status: number, text: string): Outcome<never> {
  const why = `${status} ${
    text.replace(/<style[\s\S]*?<\/style>/, "").replace(/<[^>]*>|\s+/g, " ").trim().slice(0, 300)
  }`;
  if (status === 503 && /provider/.test(text)) return { kind: "provider", why };
  return { kind: [502, 503, 504].includes(status) ? "turned away" : "wrong", why };
}

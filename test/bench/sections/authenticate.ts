// GET /authenticate with an ES256 login token: seen before, and for the first time.
import { randomUUID } from "node:crypto";
import { startDownstream } from "../downstream.ts";
import { measureLoad } from "../measured_load.ts";
import { type Ours, startOurs } from "../ours.ts";
import { cpuSeconds } from "../process_usage.ts";
import { rawRequest, sendAll } from "../raw_requests.ts";
import { startRival } from "../rivals.ts";
import { interleave } from "../rounds.ts";
import type { Section } from "../section.ts";
import { printSpread, spreadOf } from "../statistics.ts";
import { createMint } from "../../support/minted_tokens.ts";

/** Never sent before, per round. */
const newTokens = 5_000;
const connections = 16;

interface Sample {
  microseconds: number;
  wrong: number;
}

export const authenticate: Section = {
  id: "authenticate",
  title: "GET /authenticate, login token (ES256)",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const downstream = stack.use(await startDownstream(settings));
    const ours = await startOurs(settings, { downstreamUrl: downstream.checkedUrl });
    stack.use(ours.process);
    const nginx = await startRival("nginx", settings, { target: downstream.openUrl });
    stack.use(nginx.process);
    const mint = createLoginMint(ours);
    const target = { ...ours, url: `${ours.origin}/authenticate/mcp/signin` };
    const known = await mint();
    const load = { ...settings, connections };

    const seenBefore = async (): Promise<Sample> => {
      const request = { method: "GET", headers: { "Authorization": `Bearer ${known}` } } as const;
      const { microsecondsPerRequest, wrong } = await measureLoad(target, request, load);
      return { microseconds: microsecondsPerRequest, wrong };
    };
    const forTheFirstTime = () => firstTime(target, mint);
    const nginxForwards = async (): Promise<Sample> => {
      const { microsecondsPerRequest, wrong } = await measureLoad(nginx, { method: "GET", headers: {} }, load);
      return { microseconds: microsecondsPerRequest, wrong };
    };
    const rows = new Map([
      ["token seen before", seenBefore],
      ["token for the first time", forTheFirstTime],
      ["nginx proxy_pass of a GET, to know the machine by", nginxForwards],
    ]);
    settings.say("warming up");
    for (const measure of rows.values()) await measure();
    const samples = await interleave([...rows], settings.rounds, ([name, measure], round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${name}`);
      return measure();
    });
    const [before, first] = [...samples.values()].map((row) => spreadOf(row.map(({ microseconds }) => microseconds)));
    return {
      tables: [{
        head: ["row", "CPU µs/request", "wrong"],
        rows: [...samples].map(([[name], row]) => [
          name,
          printSpread(spreadOf(row.map(({ microseconds }) => microseconds)), 1),
          String(row.reduce((sum, { wrong }) => sum + wrong, 0)),
        ]),
      }],
      aims: [
        { what: "seen before", limit: 20, measured: before!.median, is: "at most", unit: "µs CPU", digits: 0 },
        { what: "for the first time", limit: 150, measured: first!.median, is: "at most", unit: "µs CPU", digits: 0 },
      ],
      notes: [
        `CPU of the whole process, HTTP and the log line included. ${settings.rounds} rounds in turn: ` +
        `${settings.seconds} s of one token, then ${newTokens} tokens that were never sent before, each once.`,
      ],
      wrongAnswers: [...samples.values()].flat().reduce((sum, { wrong }) => sum + wrong, 0),
    };
  },
};

/** Tokens of the login downstream, each of another user. */
export function createLoginMint({ toml }: Pick<Ours, "toml">): () => Promise<string> {
  const mint = createMint(toml);
  return () => {
    const subject = randomUUID();
    const identity = {
      subject,
      name: "Ada Lovelace",
      email: `${subject}@example.com`,
      groups: ["engineering", "math"],
    };
    return mint("signin", { grantId: subject.replaceAll("-", "").slice(0, 22), identity });
  };
}

async function firstTime(target: Ours, mint: () => Promise<string>): Promise<Sample> {
  const requests: string[] = [];
  for (let i = 0; i < newTokens; i++) {
    requests.push(rawRequest("GET", target.url, { headers: { "Authorization": `Bearer ${await mint()}` } }));
  }
  const before = cpuSeconds(target.process.pid);
  const { wrong } = await sendAll(requests, { url: target.url, connections, isRight: ({ status }) => status === 200 });
  return { microseconds: (cpuSeconds(target.process.pid) - before) / newTokens * 1e6, wrong };
}

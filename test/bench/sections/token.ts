// POST /token: an authorization code becomes an access and a refresh token.
import { createTokenRequests, isTokenResponse } from "../minted_codes.ts";
import { startOurs } from "../ours.ts";
import { cpuSeconds } from "../process_usage.ts";
import { sendAll } from "../raw_requests.ts";
import { interleave } from "../rounds.ts";
import type { Section } from "../section.ts";
import { medianOf, printSpread, spreadOf } from "../statistics.ts";

/** Per row and round, each redeemed once. */
const codes = 5_000;
/** Rounds before the first that counts: about 20,000 requests until the runtime has compiled what it runs. */
const warmUps = 4;
const connections = 16;

export const token: Section = {
  id: "token",
  title: "POST /token: code to access and refresh token",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const ours = await startOurs(settings, { downstreamUrl: "http://127.0.0.1:9/mcp" });
    stack.use(ours.process);
    const rows = [
      { name: "passthrough: sealed access token", limit: 90, requests: createTokenRequests(ours, "bench") },
      { name: "login: JWT signed with ES256", limit: 200, requests: createTokenRequests(ours, "signin") },
    ];
    const measure = async ({ requests }: typeof rows[number]) => {
      const prepared = requests(codes);
      const before = cpuSeconds(ours.process.pid);
      const { wrong, seconds } = await sendAll(prepared, { url: ours.origin, connections, isRight: isTokenResponse });
      const microseconds = (cpuSeconds(ours.process.pid) - before) / codes * 1e6;
      return { microseconds, perSecond: codes / seconds, wrong };
    };
    settings.say("warming up");
    for (let round = 0; round < warmUps; round++) {
      for (const row of rows) await measure(row);
    }
    const samples = await interleave(rows, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${row.name}`);
      return measure(row);
    });
    const cpu = (row: typeof rows[number]) => samples.get(row)!.map(({ microseconds }) => microseconds);
    const wrong = (row: typeof rows[number]) => samples.get(row)!.reduce((sum, sample) => sum + sample.wrong, 0);
    return {
      tables: [{
        head: ["row", "CPU µs/request", "requests/s", "wrong"],
        rows: rows.map((row) => [
          row.name,
          printSpread(spreadOf(cpu(row)), 0),
          printSpread(spreadOf(samples.get(row)!.map(({ perSecond }) => perSecond)), 0),
          String(wrong(row)),
        ]),
      }],
      aims: rows.map((row) => ({
        what: row.name,
        limit: row.limit,
        measured: medianOf(cpu(row)),
        is: "at most",
        unit: "µs CPU",
        digits: 0,
      })),
      notes: [
        `${settings.rounds} rounds of ${codes} codes a row, ${connections} connections, store memory:, after ${warmUps} rounds that don't count. The codes are made ` +
        "beforehand, outside of the measured process and time; each answer has to hold both tokens.",
      ],
      wrongAnswers: rows.reduce((sum, row) => sum + wrong(row), 0),
    };
  },
};

// How the cost of POST /token grows with what a store remembers already.
import { join } from "node:path";
import { findProgram } from "../../support/programs.ts";
import { startRedis } from "../../support/redis_server.ts";
import { createTokenRequests, isTokenResponse } from "../minted_codes.ts";
import { startOurs } from "../ours.ts";
import { cpuSeconds } from "../process_usage.ts";
import { sendAll } from "../raw_requests.ts";
import type { Section } from "../section.ts";
import { printNumber } from "../statistics.ts";

/** Redemptions before the measured ones; each leaves at least one id. */
const levels = [10, 1_000, 10_000, 100_000];
const measuredRequests = 2_000;
const batch = 5_000;
const connections = 16;

export const stores: Section = {
  id: "stores",
  title: "POST /token with 10 to 100 000 remembered ids",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const urls = new Map([["memory:", "memory:"], ["sqlite:", `sqlite:${join(settings.folder, "stores.db")}`]]);
    if (findProgram("redis-server") !== undefined) {
      const redis = stack.adopt(await startRedis(), (redis) => redis.remove());
      urls.set("redis:", redis.url);
    }
    const rows: string[][] = [];
    let wrongAnswers = 0;
    for (const [name, url] of urls) {
      const ours = await startOurs(settings, {
        downstreamUrl: "http://127.0.0.1:9/mcp",
        toml: `[store]\nurl = "${url}"\n`,
      });
      stack.use(ours.process);
      const requests = createTokenRequests(ours, "bench");
      const redeem = async (count: number) => {
        const options = { url: ours.origin, connections, isRight: isTokenResponse };
        const prepared = requests(count);
        const before = cpuSeconds(ours.process.pid);
        const { wrong, seconds } = await sendAll(prepared, options);
        wrongAnswers += wrong;
        return { microseconds: (cpuSeconds(ours.process.pid) - before) / count * 1e6, perSecond: count / seconds };
      };
      let remembered = 0;
      const cells: string[] = [];
      for (const level of levels) {
        settings.say(`${name} with ${level}`);
        for (; remembered < level; remembered += Math.min(batch, level - remembered)) {
          await redeem(Math.min(batch, level - remembered));
        }
        const { microseconds, perSecond } = await redeem(measuredRequests);
        remembered += measuredRequests;
        cells.push(`${printNumber(microseconds, 0)} µs, ${printNumber(perSecond, 0)}/s`);
      }
      rows.push([name, ...cells]);
    }
    return {
      tables: [{ head: ["store", ...levels.map((level) => `${printNumber(level, 0)} ids`)], rows }],
      aims: [],
      notes: [
        `CPU of the proxy by request, and requests per second over ${connections} connections; ${measuredRequests} redemptions ` +
        "each, once. The first column also pays for what a process does when it is young.",
      ],
      wrongAnswers,
    };
  },
};

// One connection, one request after the other: what a proxy adds to the time until the answer.
import type { Contender } from "../contender.ts";
import { startForwardRows } from "../forward_rows.ts";
import { measureLoad } from "../measured_load.ts";
import { interleave } from "../rounds.ts";
import type { Section } from "../section.ts";
import { medianOf, printSpread, spreadOf } from "../statistics.ts";

export const latency: Section = {
  id: "latency",
  title: "Latency: the same request over one connection",
  async run(settings) {
    await using rows = await startForwardRows(settings);
    const load = { ...settings, connections: 1 };
    settings.say("warming up");
    for (const row of rows.all) await measureLoad(row, rows.request, { ...load, seconds: 2, connections: 16 });
    const samples = await interleave(rows.all, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${row.name}`);
      return measureLoad(row, rows.request, load);
    });
    const direct = samples.get(rows.direct)!;
    const added = (row: Contender, percentile: "p50" | "p99") =>
      samples.get(row)!.map((sample, round) => sample[percentile] - direct[round]![percentile]);
    const againstNginx = (percentile: "p50" | "p99") =>
      medianOf(added(rows.ours, percentile)) / medianOf(added(rows.nginx, percentile));
    const wrong = (row: Contender) => samples.get(row)!.reduce((sum, sample) => sum + sample.wrong, 0);
    return {
      tables: [{
        head: ["row", "p50 µs", "p99 µs", "added p50 µs", "added p99 µs", "wrong"],
        rows: rows.all.map((row) => [
          row.name,
          printSpread(spreadOf(samples.get(row)!.map(({ p50 }) => p50)), 0),
          printSpread(spreadOf(samples.get(row)!.map(({ p99 }) => p99)), 0),
          ...(["p50", "p99"] as const).map((percentile) =>
            row === rows.direct ? "" : printSpread(spreadOf(added(row, percentile)), 0)
          ),
          String(wrong(row)),
        ]),
      }],
      aims: [
        { what: "added p50", limit: 2.7, measured: againstNginx("p50"), is: "at most", unit: "× nginx's" },
        { what: "added p99", limit: 3, measured: againstNginx("p99"), is: "at most", unit: "× nginx's" },
      ],
      notes: [
        `${settings.rounds} rounds of ${settings.seconds} s a row, in turn. Added is over the direct row of the same round; ` +
        "the aims compare the medians of what was added. A p99 is the first thing that a busy machine spoils.",
      ],
      wrongAnswers: rows.all.reduce((sum, row) => sum + wrong(row), 0),
    };
  },
};

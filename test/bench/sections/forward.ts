// POST /mcp, 1 KB in and 1 KB back, 64 connections, one core for the proxy.
import { type ForwardRows, startForwardRows } from "../forward_rows.ts";
import type { Contender } from "../contender.ts";
import { measureLoad, type Sample } from "../measured_load.ts";
import { interleave } from "../rounds.ts";
import type { Findings, Section, Settings } from "../section.ts";
import { medianOf, printSpread, ratios, spreadOf } from "../statistics.ts";

const connections = 64;

export const forward: Section = {
  id: "forward",
  title: `Forwarding: POST, 1 KB to 1 KB, ${connections} connections, one core`,
  async run(settings) {
    await using rows = await startForwardRows(settings);
    settings.say("warming up");
    for (const row of rows.all) await measureLoad(row, rows.request, { ...settings, seconds: 2, connections });
    const samples = await interleave(rows.all, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: ${row.name}`);
      return measureLoad(row, rows.request, { ...settings, connections });
    });
    return findings(settings, rows, samples);
  },
};

function findings({ rounds, seconds }: Settings, rows: ForwardRows, samples: Map<Contender, Sample[]>): Findings {
  const of = (row: Contender, column: keyof Sample) => samples.get(row)!.map((sample) => sample[column]);
  const spread = (row: Contender, column: keyof Sample, digits: number) =>
    printSpread(spreadOf(of(row, column)), digits);
  const against = (rival: Contender, column: keyof Sample) => ratios(of(rows.ours, column), of(rival, column));
  const againstNginx = medianOf(against(rows.nginx, "requestsPerSecond"));
  const againstCaddy = rows.caddy === undefined ? NaN : medianOf(against(rows.caddy, "requestsPerSecond"));
  const cpu = medianOf(against(rows.nginx, "microsecondsPerRequest"));
  return {
    tables: [{
      head: ["row", "requests/s", "× nginx", "CPU µs/request", "cores used: proxy", "load", "wrong"],
      rows: rows.all.map((row) => [
        row.name,
        spread(row, "requestsPerSecond", 0),
        printSpread(spreadOf(ratios(of(row, "requestsPerSecond"), of(rows.nginx, "requestsPerSecond"))), 2),
        row.process === undefined ? "" : spread(row, "microsecondsPerRequest", 1),
        row.process === undefined ? "" : spread(row, "proxyCores", 2),
        spread(row, "loadCores", 2),
        String(of(row, "wrong").reduce((sum, wrong) => sum + wrong, 0)),
      ]),
    }],
    aims: [
      { what: "requests/s", limit: 0.45, measured: againstNginx, is: "at least", unit: "× nginx" },
      { what: "requests/s, stretch", limit: 0.55, measured: againstNginx, is: "at least", unit: "× nginx" },
      { what: "CPU per request", limit: 2.6, measured: cpu, is: "at most", unit: "× nginx" },
      { what: "requests/s", limit: 2, measured: againstCaddy, is: "at least", unit: "× Caddy" },
    ],
    notes: [
      `${rounds} rounds of ${seconds} s a row, in turn; median (lowest to highest). A ratio is taken within each round. ` +
      "The generator was not what held a row back where it used less of its core than in the direct row; a proxy that " +
      "did not get its whole core shared it with other processes.",
    ],
    wrongAnswers: rows.all.flatMap((row) => of(row, "wrong")).reduce((sum, wrong) => sum + wrong, 0),
  };
}

// Rows that differ in one thing, under the same load, each compared with the first.
import type { Contender } from "./contender.ts";
import { measureLoad, type Sample } from "./measured_load.ts";
import { interleave } from "./rounds.ts";
import type { Findings, Settings } from "./section.ts";
import { printSpread, ratios, spreadOf } from "./statistics.ts";
import type { WrkRequest } from "./wrk.ts";

export interface LoadRow {
  name: string;
  contender: Contender;
  request: Omit<WrkRequest, "url">;
}

const connections = 64;

/** Findings without aims; `notes` are completed. */
export async function compareLoads(
  settings: Settings,
  rows: readonly LoadRow[],
  notes: readonly string[],
): Promise<Findings> {
  settings.say("warming up");
  for (const { contender, request } of rows) {
    await measureLoad(contender, request, { ...settings, seconds: 2, connections });
  }
  const samples = await interleave(rows, settings.rounds, ({ name, contender, request }, round) => {
    settings.say(`round ${round + 1} of ${settings.rounds}: ${name}`);
    return measureLoad(contender, request, { ...settings, connections });
  });
  const of = (row: LoadRow, column: keyof Sample) => samples.get(row)!.map((sample) => sample[column]);
  const spread = (values: number[], digits: number) => printSpread(spreadOf(values), digits);
  const first = rows[0]!;
  const wrong = (row: LoadRow) => of(row, "wrong").reduce((sum, count) => sum + count, 0);
  return {
    tables: [{
      head: ["row", "requests/s", "× first row", "CPU µs/request", "× first row", "cores used: proxy", "load", "wrong"],
      rows: rows.map((row) => [
        row.name,
        spread(of(row, "requestsPerSecond"), 0),
        spread(ratios(of(row, "requestsPerSecond"), of(first, "requestsPerSecond")), 2),
        spread(of(row, "microsecondsPerRequest"), 1),
        spread(ratios(of(row, "microsecondsPerRequest"), of(first, "microsecondsPerRequest")), 2),
        spread(of(row, "proxyCores"), 2),
        spread(of(row, "loadCores"), 2),
        String(wrong(row)),
      ]),
    }],
    aims: [],
    notes: [
      ...notes,
      `POST, 1 KB to 1 KB, ${connections} connections, ${settings.rounds} rounds of ${settings.seconds} s in turn.`,
    ],
    wrongAnswers: rows.reduce((sum, row) => sum + wrong(row), 0),
  };
}

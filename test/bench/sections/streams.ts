// Thousands of idle event streams: memory, events, and what happens when half of the readers leave.
import { keepAwake } from "../awake_cores.ts";
import { interleave } from "../rounds.ts";
import type { Findings, Section, Settings } from "../section.ts";
import { medianOf, printNumber, printSpread, quantile, spreadOf } from "../statistics.ts";
import { startStreamRows, type StreamRow, streamsAllowed } from "../stream_rows.ts";

const pacedEvents = 200;

export const streams: Section = {
  id: "streams",
  title: "Event streams",
  async run(settings) {
    await using stack = new AsyncDisposableStack();
    const rows = await startStreamRows(settings, stack);
    const all = Object.values(rows);
    const memory = new Map(all.map((row) => [row, row.kibPerStream()]));
    const asleep = await pacedEach(all, settings);
    const awakeCores = keepAwake([settings.cores.proxy, settings.cores.load]);
    const paced = await pacedEach(all, settings);
    await awakeCores[Symbol.asyncDispose]();
    const toAll = await interleave(all, settings.rounds, (row, round) => {
      settings.say(`round ${round + 1} of ${settings.rounds}: one event to all, ${row.contender.name}`);
      return row.peer.ask("toAll", undefined);
    });
    settings.say(`quiet for ${settings.minutes} minutes`);
    await new Promise((settle) => setTimeout(settle, settings.minutes * 60_000));
    const later = new Map(all.map((row) => [row, row.kibPerStream()]));
    const measured: Measured[] = [];
    for (const row of all) {
      const { cut } = await row.peer.ask("state", undefined);
      const leftMs = await row.peer.ask("leaveHalf", undefined);
      await row.peer.ask("toAll", undefined); // whoever stayed still gets what comes
      const { wrong } = await row.peer.ask("state", undefined);
      measured.push({
        row,
        cut,
        leftMs,
        wrong,
        memory: memory.get(row)!,
        later: later.get(row)!,
        pacedAdded: addedTo(paced, rows.direct, row),
        pacedAsleep: addedTo(asleep, rows.direct, row),
        pacedP99: paced.get(row)!.map((times) => quantile(times, 0.99)),
        toAllP99: toAll.get(row)!.map((times) => quantile(times, 0.99) / 1000),
      });
    }
    return findings(settings, measured);
  },
};

type Paced = Map<StreamRow, number[][]>;

function pacedEach(rows: readonly StreamRow[], settings: Settings): Promise<Paced> {
  return interleave(rows, settings.rounds, (row, round) => {
    settings.say(`round ${round + 1} of ${settings.rounds}: paced events, ${row.contender.name}`);
    return row.peer.ask("paced", pacedEvents);
  });
}

/** Microseconds by which the middle event of each round came later than the direct one. */
function addedTo(paced: Paced, direct: StreamRow, row: StreamRow): number[] {
  const fromDirect = paced.get(direct)!.map((times) => quantile(times, 0.5));
  return paced.get(row)!.map((times, round) => quantile(times, 0.5) - fromDirect[round]!);
}

interface Measured {
  row: StreamRow;
  cut: number;
  leftMs: number;
  wrong: number;
  /** KiB by stream: soon after opening, and at the end of the quiet minutes. */
  memory: number;
  later: number;
  /** Microseconds, by round. */
  pacedAdded: number[];
  /** The same where the cores may sleep between two events. */
  pacedAsleep: number[];
  pacedP99: number[];
  /** Milliseconds, by round. */
  toAllP99: number[];
}

function findings({ minutes, rounds }: Settings, measured: readonly Measured[]): Findings {
  const [direct, nginx, quiet, kept] = measured as [Measured, Measured, Measured, Measured];
  const { streams, fileLimit } = streamsAllowed();
  const print = (measured: Measured) => [
    measured.row.contender.name,
    measured === direct ? "" : printNumber(measured.memory, 1),
    measured === direct ? "" : printNumber(measured.later, 1),
    printNumber(measured.row.openedInSeconds, 1),
    measured === direct ? "" : printSpread(spreadOf(measured.pacedAdded), 0),
    measured === direct ? "" : printSpread(spreadOf(measured.pacedAsleep), 0),
    printSpread(spreadOf(measured.pacedP99), 0),
    printSpread(spreadOf(measured.toAllP99), 0),
    String(measured.cut),
    printNumber(measured.leftMs, 0),
  ];
  const oursOverNginx = (ours: Measured) => medianOf(ours.toAllP99) / medianOf(nginx.toAllP99);
  const cut = quiet.cut + kept.cut;
  const at = "at most" as const;
  return {
    tables: [{
      head: [
        "row",
        "KiB/stream",
        `after ${minutes} min`,
        "opened in s",
        "paced event: p50 added µs",
        "cores asleep before it",
        "p99 µs",
        "one to all: p99 ms",
        "cut",
        "half left: ms",
      ],
      rows: measured.map(print),
    }],
    aims: [
      { what: "memory, sse_keepalive = 0", limit: 14, measured: quiet.memory, is: at, unit: "KiB/stream", digits: 1 },
      { what: "the same beside nginx", limit: 1, measured: quiet.memory / nginx.memory, is: at, unit: "× nginx" },
      { what: "memory, keepalives on", limit: 24, measured: kept.memory, is: at, unit: "KiB/stream", digits: 1 },
      { what: `streams cut in ${minutes} min`, limit: 0, measured: cut, is: at, unit: "", digits: 0 },
      ...[quiet, kept].flatMap((ours) => {
        const setting = ours === quiet ? "sse_keepalive = 0" : "keepalives on";
        const added = medianOf(ours.pacedAdded);
        return [
          { what: `paced event, p50 added, ${setting}`, limit: 60, measured: added, is: at, unit: "µs", digits: 0 },
          {
            what: `one event to all, p99, ${setting}`,
            limit: 3,
            measured: oursOverNginx(ours),
            is: at,
            unit: "× nginx",
          },
          { what: `half left, ${setting}`, limit: 1000, measured: ours.leftMs, is: at, unit: "ms", digits: 0 },
        ];
      }),
    ],
    notes: [
      `${streams} streams in each row, all open at the same time, each with a token of its own; a file limit of ${fileLimit} ` +
      "allows no more than half as many. KiB/stream is the growth of the proxy's resident memory from before the first " +
      `stream. ${rounds} rounds in turn of ${pacedEvents} events through one stream, one each 10 ms, while the others are ` +
      "quiet, with the two cores kept awake by a task of the lowest priority (SCHED_IDLE), and without, where a virtual " +
      "machine adds what it takes to wake them; and of one event to all, timed from the first write to the arrival at each reader. The direct row is what the " +
      "bench itself needs for that. At the end every second reader leaves at once, until the downstream has lost as many.",
    ],
    wrongAnswers: measured.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

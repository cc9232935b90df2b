// A property as a test on both runtimes: a few runs of one fixed seed in `npm test`, as many as there is time for in `npm run fuzz`.
import { appendFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";

/** What scripts/fuzz.ts puts into MCP_OAUTH_PROXY_FUZZ, as JSON. */
export interface FuzzRound {
  seed: number;
  /** Milliseconds since the epoch: no new run after it. */
  until: number;
  /** How many times the runs of `npm test`. */
  times: number;
  /** Takes a line of JSON for each property: name and runs. */
  report: string;
}

const round = readRound();
/** Of `npm test`: it fails for what a commit changed, not for what chance brought up. */
const fixedSeed = 8707;

type Arbitraries<Values extends unknown[]> = { [Index in keyof Values]: fc.Arbitrary<Values[Index]> };

/**
 * A test that `holds`, which throws or returns, for whatever the arbitraries make. A failure says the seed, the path to it and
 * the smallest counterexample.
 *
 * @param runs in `npm test`
 */
export function property<Values extends [unknown, ...unknown[]]>(
  name: string,
  { runs, of }: { runs: number; of: Arbitraries<Values> },
  holds: (...values: Values) => Promise<void> | void,
): void {
  const remainingMs = round === undefined ? undefined : round.until - Date.now();
  test(name, { skip: remainingMs !== undefined && remainingMs < 500 ? "the time is over" : false }, async () => {
    const property = fc.asyncProperty<Values>(...of, async (...values) => await holds(...values));
    const details = await fc.check(property, {
      seed: round?.seed ?? fixedSeed,
      numRuns: runs * (round?.times ?? 1),
      ...(round === undefined ? {} : {
        interruptAfterTimeLimit: Math.max(500, round.until - Date.now()),
        markInterruptAsFailure: false,
      }),
    });
    if (round !== undefined) appendFileSync(round.report, `${JSON.stringify({ name, runs: details.numRuns })}\n`);
    if (details.failed) {
      throw new Error(await fc.asyncDefaultReportMessage(details), { cause: details.errorInstance });
    }
  });
}

function readRound(): FuzzRound | undefined {
  const text = process.env.MCP_OAUTH_PROXY_FUZZ;
  return text === undefined ? undefined : JSON.parse(text);
}

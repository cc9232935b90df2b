// Rows are measured in turn, round by round, so that a noisy minute falls on all of them.

/**
 * Measures every row `rounds` times, starting each round with another row.
 *
 * @returns per row its samples, in the order of the rounds
 */
export async function interleave<Row, Sample>(
  rows: readonly Row[],
  rounds: number,
  measure: (row: Row, round: number) => Promise<Sample>,
): Promise<Map<Row, Sample[]>> {
  const samples = new Map<Row, Sample[]>(rows.map((row) => [row, []]));
  for (let round = 0; round < rounds; round++) {
    const start = round % rows.length;
    for (const row of [...rows.slice(start), ...rows.slice(0, start)]) {
      samples.get(row)!.push(await measure(row, round));
    }
  }
  return samples;
}

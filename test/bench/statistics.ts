// Numbers of several rounds, as one reads them.

export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** @throws TypeError where there is nothing to describe */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  if (sorted.length === 0) throw new TypeError("no round was measured");
  return { median: quantile(sorted, 0.5), lowest: sorted[0]!, highest: sorted.at(-1)! };
}

export function medianOf(values: readonly number[]): number {
  return spreadOf(values).median;
}

/** @param sorted ascending, not empty. @param share 0 to 1; between two values, their mean by distance */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

/** `a` divided by `b`, round by round: both saw the same minute of a shared machine. */
export function ratios(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, round) => value / b[round]!);
}

/** "0.52 (0.48 to 0.57)"; the median alone where there was one round. */
export function printSpread({ median, lowest, highest }: Spread, digits: number): string {
  const text = printNumber(median, digits);
  return lowest === highest ? text : `${text} (${printNumber(lowest, digits)} to ${printNumber(highest, digits)})`;
}

/** "12 345" for large numbers, else as many digits after the point as asked for. */
export function printNumber(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d)(?<!\.\d*))/g, " ");
}

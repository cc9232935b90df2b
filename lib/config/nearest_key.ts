// Which known word a mistyped one was meant to be.

/** The known word that is nearest to `word`, or undefined when none is near. `publicUrl` is as good as `public_url`. */
export function nearestKey(word: string, known: readonly string[]): string | undefined {
  const plain = bare(word);
  const ranked = known
    .map((key) => ({ key, distance: editDistance(plain, bare(key)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best === undefined) return undefined;
  return best.distance <= Math.max(1, Math.floor(Math.max(plain.length, bare(best.key).length) / 3))
    ? best.key
    : ranked.find(({ key }) => isPartOf(word, key) || isPartOf(key, word))?.key;
}

/** Whole words at the start or the end: `client_id` of `oauth_client_id`. */
function isPartOf(part: string, key: string): boolean {
  return part !== "" && (key.endsWith(`_${part}`) || key.startsWith(`${part}_`));
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, "");
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replace, last[column]! + 1, current[column - 1]! + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, beforeLast[column - 2]! + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}

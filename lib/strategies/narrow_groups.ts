// Groups travel in the code (a URL), in the token (a header) and to the downstream: a large set must not break them (S2-61).

/** As JSON; leaves room for the rest in headers and URLs of 8 KB. */
const maxBytes = 2_500;

/** All groups where they fit; otherwise those that the configuration names, as far as they fit. `left`: how many were left out. */
export function narrowGroups(
  groups: readonly string[],
  named: readonly string[],
): { groups: readonly string[]; left: number } {
  if (sizeOf(groups) <= maxBytes) return { groups, left: 0 };
  const kept: string[] = [];
  for (const group of groups) {
    if (named.includes(group) && sizeOf([...kept, group]) <= maxBytes) kept.push(group);
  }
  return { groups: kept, left: groups.length - kept.length };
}

function sizeOf(groups: readonly string[]): number {
  return Buffer.byteLength(JSON.stringify(groups));
}

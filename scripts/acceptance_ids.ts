// The ids of the acceptance list: S1-01 to S1-57 and S2-01 to S2-63.

/** The ids of the list itself, in its order: each line begins with one. */
export function acceptanceIds(list: string): string[] {
  return [...list.matchAll(/^- \*\*(S[12]-\d{2})\*\* \S/gm)].map(([, id]) => id!);
}

/** The ids in the name of a test. */
export function idsIn(name: string): string[] {
  return name.match(/\bS[12]-\d{2}\b/g) ?? [];
}

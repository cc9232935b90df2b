// The client's query beside the one in the URL that it is sent to. What stands there already is not the client's to say again:
// of a parameter that stands twice some servers take the first and some the last, so `?read_only=true` would hold for nobody.

/**
 * Both queries (without `?`), the client's without the parameters that the other one has.
 *
 * @param fixed of the operator's `downstream_url`, or of the message endpoint that the server named
 */
export function joinedQuery(fixed: string, added: string): string {
  if (fixed === "" || added === "") return fixed + added;
  const taken = new Set(namesIn(fixed));
  const free = added.split("&").filter((part) => !namesIn(part).some((name) => taken.has(name)));
  return [fixed, ...free].join("&");
}

/** As the most lenient servers read them: `;` separates too, case and punctuation don't count, `name[]` and `name[0]` are `name`. */
function namesIn(query: string): string[] {
  return [...new URLSearchParams(query.replaceAll(";", "&")).keys()]
    .map((name) => name.trim().toLowerCase().replace(/\[.*$/s, "").replace(/[^a-z0-9]+/g, "_"));
}

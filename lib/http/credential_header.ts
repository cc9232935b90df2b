// How the downstream wants its credential: as a scheme of Authorization, or bare in a header of its own.

const schemes = new Map([["bearer", "Bearer"], ["token", "token"], ["basic", "Basic"]]);

/** The header that carries `credential` downstream. For `Basic` the user pastes the encoded pair. */
export function credentialHeader(format: string, credential: string): [name: string, value: string] {
  const scheme = schemes.get(format.toLowerCase());
  return scheme === undefined ? [format.toLowerCase(), credential] : ["authorization", `${scheme} ${credential}`];
}

// JSON that is read, looked at and written again without changing what it says.

/** No MCP message is nested like that; what is deeper runs into the stack's end somewhere, at another depth on each runtime. */
const maxDepth = 1_000;

/**
 * Where a number may stand, one that is not a plain integer of up to 15 digits, which alone are sure to be written as they were
 * read. Text inside of strings may look like one; that costs time only.
 */
const mayLoseNumbers = /(?:^|[:,[])\s*(?:-0|-?\d+[.eE]|-?\d{16})/;

/**
 * Parses so that `JSON.stringify` gives every number back as it was written: one beyond 2^53, or `1.0`, survives.
 *
 * @throws SyntaxError for anything but JSON; RangeError when it is nested too deeply
 */
export function parseLosslessly(text: string): unknown {
  if (depthOf(text) > maxDepth) throw new RangeError(`nested more than ${maxDepth} deep`);
  // Without a call for each value a list of 100,000 tools holds up nobody.
  if (!mayLoseNumbers.test(text)) return JSON.parse(text);
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const keepNumbers = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? rawJSON(context.source)
      : value;
  return JSON.parse(text, keepNumbers);
}

const quote = 34;
const backslash = 92;
const openingBracket = 91;
const openingBrace = 123;
const closingBracket = 93;
const closingBrace = 125;

/** How deep arrays and objects stand in one another at most; for a text that is no JSON, any number. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) i = endOfString(text, i);
    else if (code === openingBracket || code === openingBrace) deepest = Math.max(deepest, ++depth);
    else if (code === closingBracket || code === closingBrace) depth--;
  }
  return deepest;
}

/** The index of the quote that closes the one at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) break;
    if (code === backslash) i++;
  }
  return i;
}

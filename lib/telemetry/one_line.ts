/**
 * The text as it may stand in one line of a log or a terminal: what others wrote must not start a line of its own, move the
 * cursor or change the direction of writing. Such characters become `\u001b` and the like, as in JSON.
 */
export function oneLine(text: string): string {
  if (!beyondAscii.test(text)) return text;
  return text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Nearly all lines hold none: looked for first, since the classes of Unicode are slow. */
const beyondAscii = /[^\x20-\x7E]/;

/** Control characters of both ranges, line and paragraph separators, and the marks by which bidirectional text is reordered. */
const unprintable = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

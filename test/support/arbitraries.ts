// What strangers write where a word was expected.
import fc from "fast-check";

/** Pieces on which parsers disagree: framing, quoting, markup, Unicode, paths, the names of object members. */
const pieces = [
  ...[
    "\r\n",
    "\n",
    "\r",
    "\t",
    "\0",
    " ",
    "\x7F",
    "\x1B[2J",
    "\u0085",
    "\u2028",
    "\u202E",
    "\uFEFF",
    "\uD800",
    "😀",
    "é",
  ],
  ...[
    '"',
    "'",
    "\\",
    "`",
    "<",
    ">",
    "&",
    "<x-injected>",
    '"><x-injected>',
    "</script>",
    "{",
    "}",
    "[",
    "]",
    "$&",
    "${1}",
  ],
  ...[
    "%0d%0a",
    "%00",
    "%",
    "%2e%2e",
    "%2f",
    "%5c",
    "%E0%A4",
    "%25",
    "+",
    "=",
    ";",
    ",",
    "&amp;",
    "?",
    "#",
    "/",
    "//",
    "/../",
  ],
  ...[
    "\\\\",
    "@",
    ":",
    "://",
    "..",
    ".",
    "*",
    "|",
    "~",
    "^",
    "__proto__",
    "constructor",
    "toString",
    "null",
    "0",
    "-1",
    "1e999",
  ],
  ...["Set-Cookie: x-injected=1", "javascript:", "https://evil.example", "http://127.0.0.1", "localhost", "[::1]"],
];

/** Any, half of a pair too. fast-check's own unit for it costs every file of tests a second, for tables. */
const codePoint = fc.oneof(fc.nat(0xFF), fc.nat(0xFFFF), fc.nat(0x10FFFF));

/** Text of a few such pieces, words and arbitrary characters. */
export const oddText: fc.Arbitrary<string> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pieces) },
    { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/) },
    { weight: 1, arbitrary: fc.array(codePoint, { maxLength: 4 }).map((points) => String.fromCodePoint(...points)) },
  ),
  { maxLength: 6 },
).map((parts) => parts.join(""));

/** A value that may stand in an HTTP header: what the runtimes let through to a handler. */
export const headerText: fc.Arbitrary<string> = oddText.map((text) =>
  text.replace(/[^\t\x20-\x7E\x80-\xFF]/g, "").trim()
);

/** One small change to a text: a piece put in, a part taken out or doubled, letters in the other case. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, fc.nat(), fc.nat(12), fc.constantFrom("insert", "cut", "double", "case", "encode"), oddText)
    .map(
      ([whole, at, length, how, odd]) => {
        const start = at % (whole.length + 1);
        const [before, part, after] = [
          whole.slice(0, start),
          whole.slice(start, start + length),
          whole.slice(start + length),
        ];
        if (how === "insert") return before + odd + part + after;
        if (how === "cut") return before + after;
        if (how === "double") return before + part + part + after;
        const swapped = part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase();
        return before + (how === "case" ? swapped : encodeURIComponent(part.toWellFormed())) + after;
      },
    );
}

/** The whole cut into pieces; some are empty. */
export function cutInto(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    // Without a size, or with nothing but zeros, the rest goes at once.
    const size = sizes.length === 0 || sizes.every((each) => each === 0) ? bytes.length : sizes[index % sizes.length]!;
    parts.push(bytes.slice(at, at + size));
    at += size;
  }
  return parts;
}

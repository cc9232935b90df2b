// On which line of a TOML text each key stands: the parser gives lines for syntax errors only.

/**
 * Lines, counted from 1, by path as the text nests it: `server.port`, `downstream.linear`, `downstream[1].name`.
 * Keys of inline tables are left out; their table has a line. The text must be TOML that the parser accepted.
 */
export function findKeyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const lastOfArray = new Map<string, number>();
  let prefix = "";
  let position = 0;
  let line = 1;

  function note(path: string): void {
    if (!lines.has(path)) lines.set(path, line);
  }

  function openTable(header: string, isArray: boolean): void {
    const names = keyNames(header);
    prefix = "";
    for (const [depth, name] of names.entries()) {
      const path = prefix === "" ? name : `${prefix}.${name}`;
      if (isArray && depth === names.length - 1) lastOfArray.set(path, (lastOfArray.get(path) ?? -1) + 1);
      const index = lastOfArray.get(path);
      prefix = index === undefined ? path : `${path}[${index}]`;
      note(path);
      note(prefix);
    }
  }

  while (position < text.length) {
    const end = endOfStatement(text, position);
    const statement = text.slice(position, end);
    const start = statement.length - statement.trimStart().length;
    const header = /^\s*(\[\[?)([^\n]*?)\]/.exec(statement);
    if (header !== null) openTable(header[2]!, header[1] === "[[");
    else if (statement.trim() !== "" && statement[start] !== "#") {
      let path = prefix;
      for (const name of keyNames(keyPart(statement))) note(path = path === "" ? name : `${path}.${name}`);
    }
    line += statement.split("\n").length - 1;
    position = end;
  }
  return lines;
}

/** Just after the line break that ends the statement: one inside a string or an array does not. */
function endOfStatement(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text[at]!;
    if (char === "#") {
      const lineEnd = text.indexOf("\n", at);
      at = lineEnd === -1 ? text.length : lineEnd;
    } else if (char === '"' || char === "'") {
      at = endOfString(text, at);
    } else {
      if (char === "\n" && depth === 0) return at + 1;
      if (char === "[" || char === "{") depth++;
      if (char === "]" || char === "}") depth--;
      at++;
    }
  }
  return text.length;
}

function endOfString(text: string, from: number): number {
  const quote = text[from]!;
  const isLong = text.startsWith(quote.repeat(3), from);
  const close = isLong ? quote.repeat(3) : quote;
  for (let at = from + close.length; at < text.length; at++) {
    if (text[at] === "\\" && quote === '"') at++;
    else if (text.startsWith(close, at)) {
      let end = at + close.length;
      while (isLong && text[end] === quote) end++;
      return end;
    }
  }
  return text.length;
}

/** What stands before the first `=` outside quotes. */
function keyPart(statement: string): string {
  return /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^="'])*/.exec(statement)![0];
}

function keyNames(dotted: string): string[] {
  return (dotted.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+/g) ?? [])
    .map((name) => /^["']/.test(name) ? name.slice(1, -1) : name);
}

// The lines of an event stream (HTML §9.2.5): ended by CRLF, LF or CR, in chunks that are cut anywhere.

export interface LineReader {
  /** The lines that are complete now, without their ends. */
  push(text: string): string[];
  /** Characters of the line that is not complete yet. */
  pendingLength(): number;
  /** That line. */
  end(): string;
}

/** Each character is looked at once, however long a line gets. */
export function createLineReader(): LineReader {
  let pending: string[] = [];
  let pendingLength = 0;
  /** The text ended with a CR, which ended a line; a LF right after it is no line of its own. */
  let afterReturn = false;

  return {
    push(text) {
      if (text === "") return [];
      const rest = afterReturn && text.startsWith("\n") ? text.slice(1) : text;
      afterReturn = text.endsWith("\r");
      const lines = rest.split(/\r\n|\n|\r/);
      const cut = lines.pop()!;
      if (lines.length > 0) {
        lines[0] = pending.join("") + lines[0];
        pending = [];
        pendingLength = 0;
      }
      pending.push(cut);
      pendingLength += cut.length;
      return lines;
    },
    pendingLength: () => pendingLength,
    end: () => pending.join(""),
  };
}

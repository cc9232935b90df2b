// Reading an event stream the way a browser does (HTML §9.2.6), from text that is all there.

export interface StreamEvent {
  type: string;
  /** Parsed where it is JSON. */
  data: unknown;
}

export function readEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  let type = "";
  let data: string[] = [];
  // The part after the last line end is no line, and what was not ended by a blank line is no event.
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/).slice(0, -1)) {
    if (line === "") {
      if (data.length > 0) events.push({ type: type || "message", data: parsed(data.join("\n")) });
      type = "";
      data = [];
      continue;
    }
    const [, field = "", value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (field === "event") type = value;
    if (field === "data") data.push(value);
  }
  return events;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // an event may hold anything
  }
}

/** Whole numbers from 0 up to, not including, `below`; the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6D2B79F5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

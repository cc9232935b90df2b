// What is going on while users are at work: which failures it explains, and when.

export interface Spell {
  from: number;
  /** Infinity while it lasts. Milliseconds of `performance.now()`, as `from`. */
  to: number;
}

export type Hiccup = "answers 503" | "answers 429" | "hangs";

export interface Weather {
  /** A replica ends by its signal alone; the reverse proxy learns of it from /readyz. */
  restarts: Spell[];
  /** The providers' token endpoints fail. */
  hiccups: Spell[];
  /** How, while one lasts. */
  hiccup: Hiccup | undefined;
  /** What a provider answers instead of an answer, if it fails now. */
  failProvider(): Promise<Response | undefined>;
}

export function createWeather(): Weather {
  const hiccups: Spell[] = [];
  return {
    restarts: [],
    hiccups,
    hiccup: undefined,
    async failProvider() {
      if (this.hiccup === undefined) return undefined;
      if (this.hiccup === "answers 429") {
        return new Response("slow down", { status: 429, headers: { "retry-after": "1" } });
      }
      while (this.hiccup === "hangs") await new Promise((settle) => setTimeout(settle, 100));
      return new Response("busy", { status: 503 });
    },
  };
}

/** Runs `work` as a spell of `spells`; it counts for `afterMs` longer. */
export async function during(spells: Spell[], work: () => Promise<void>, afterMs: number): Promise<void> {
  const spell = { from: performance.now(), to: Infinity };
  spells.push(spell);
  await work();
  spell.to = performance.now() + afterMs;
}

/** Whether something from `from` until now met one of the spells. */
export function met(spells: readonly Spell[], from: number): boolean {
  const now = performance.now();
  return spells.some((spell) => spell.from <= now && spell.to >= from);
}

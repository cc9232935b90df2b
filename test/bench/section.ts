// What a section of the bench is, and what it hands back.
import type { Cores } from "./cores.ts";

export interface Section {
  /** As `--only` names it. */
  id: string;
  title: string;
  run(settings: Settings): Promise<Findings>;
}

export interface Settings {
  cores: Cores;
  /** How often each row is measured, in turn with the others. */
  rounds: number;
  /** How long each row is measured in each round. */
  seconds: number;
  /** For what has to last: streams that stay open, memory under steady load. */
  minutes: number;
  /** The compiled binary. */
  binary: string;
  /** For the configurations and logs of this run; removed at the end. */
  folder: string;
  /** To the person who waits. */
  say: (what: string) => void;
}

export interface Findings {
  tables: Table[];
  aims: Aim[];
  /** How to read the table. */
  notes: string[];
  /** Answers that were not what they should be, of all rows. */
  wrongAnswers: number;
}

export interface Table {
  head: string[];
  rows: string[][];
}

/** A line of the aims: what was wanted, what was measured in this run. */
export interface Aim {
  what: string;
  limit: number;
  measured: number;
  /** Whether the measured number should be at least or at most the limit. */
  is: "at least" | "at most";
  /** Behind both numbers: "µs", "× nginx". */
  unit: string;
  /** After the point. */
  digits?: number;
}

// Whoever stands between load generator and downstream in a row of a table.
import type { StartedProcess } from "./started_process.ts";

export interface Contender {
  name: string;
  /** What the load generator asks. */
  url: string;
  /** Absent: nobody stands between them. */
  process?: StartedProcess;
}

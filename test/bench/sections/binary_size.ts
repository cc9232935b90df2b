// The size of the compiled binary.
import { statSync } from "node:fs";
import type { Section } from "../section.ts";

export const binarySize: Section = {
  id: "binary",
  title: "Binary",
  run({ binary }) {
    const megabytes = statSync(binary).size / 1e6;
    return Promise.resolve({
      tables: [],
      aims: [{ what: "size", limit: 110, measured: megabytes, is: "at most", unit: "MB", digits: 1 }],
      notes: ["The runtime is nearly all of it."],
      wrongAnswers: 0,
    });
  },
};

// Reads what the conformance suite found.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** One finding: `scenario/check id` and its status, with the suite's reason when it has one. */
export type Check = { name: string; status: string; reason?: string };

/**
 * Reads every checks.json below a result folder, in the order of the scenarios' names and, within one, of the suite.
 * Ids repeat within a scenario, so this is a list. INFO entries are the suite's diary, not findings: left out.
 */
export async function readChecks(folder: string): Promise<Check[]> {
  const checks: Check[] = [];
  for (const result of (await readdir(folder)).sort()) {
    const scenario = result.replace(/^(server|authorization-server)-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
    const found = JSON.parse(await readFile(join(folder, result, "checks.json"), "utf8")) as {
      id: string;
      status: string;
      errorMessage?: string;
    }[];
    for (const { id, status, errorMessage } of found) {
      if (status === "INFO") continue;
      checks.push({ name: `${scenario}/${id}`, status, ...(errorMessage ? { reason: errorMessage } : {}) });
    }
  }
  return checks;
}

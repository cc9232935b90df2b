import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The text of all files under a folder, one after the other: what a program has stored, whatever it calls its files. */
export function readFilesUnder(folder: string): string {
  return (readdirSync(folder, { recursive: true }) as string[])
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
}

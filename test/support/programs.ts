// Programs that npm cannot bring (nginx, chromium, redis-server, ...): a test that needs one says so and is left out where it is absent.
import { accessSync, appendFileSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Debian keeps servers where only root's PATH looks. */
const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

/**
 * For `test(name, { skip: needs("nginx") }, ...)`: undefined where the program is here, else the reason for leaving the test out.
 * The reason also goes to the file that `npm test` names in MCP_OAUTH_PROXY_LEFT_OUT, which is how its report, and CI, learn of it.
 */
export function needs(...programs: string[]): string | undefined {
  const absent = programs.filter((program) => !findProgram(program));
  if (absent.length === 0) return undefined;
  const reason = `needs ${absent.join(", ")}`;
  const report = process.env.MCP_OAUTH_PROXY_LEFT_OUT;
  if (report) appendFileSync(report, `${reason}\n`);
  return reason;
}

/** Absolute path of a program, or undefined. Takes a name or an absolute path. */
export function findProgram(program: string): string | undefined {
  if (isAbsolute(program)) return isExecutable(program) ? program : undefined;
  return folders.filter(Boolean).map((folder) => join(folder, program)).find(isExecutable);
}

/** @throws Error naming the program, where a test forgot to say that it needs it */
export function programPath(program: string): string {
  const path = findProgram(program);
  if (!path) throw new Error(`${program} is not installed; give the test { skip: needs("${program}") }`);
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: both mean "not here"
  }
}

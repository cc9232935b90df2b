// Structured events: one name, a few fields. Never a token, code, key, cookie or full query string.
import { oneLine } from "./one_line.ts";

export type Level = "fatal" | "error" | "warning" | "info" | "debug" | "trace";
export type Fields = Readonly<Record<string, unknown>>;

/** Event names are past tense (`token_issued`), fields use wire names (`client_id`). An `Error` in a field is printed as message and causes. */
export type Log = Readonly<Record<Level, (event: string, fields?: Fields) => void>>;

/** The least urgent first. */
const levels: readonly Level[] = ["trace", "debug", "info", "warning", "error", "fatal"];

/** The log of the process; what is written before `configureLog` is lost. */
export const processLog: Log = createLog();

type PrintLine = (level: Level, event: string, fields: Fields) => string;

let print: PrintLine = jsonLine;
/** Index in `levels`. */
let lowest = levels.length;

function createLog(): Log {
  const writers = levels.map((level, rank) => {
    const isUrgent = rank >= levels.indexOf("warning");
    const write = (event: string, fields: Fields = {}) => {
      if (rank >= lowest) writeSoon(`${oneLine(print(level, event, printable(fields)))}\n`, isUrgent);
    };
    return [level, write] as const;
  });
  return Object.fromEntries(writers) as Log;
}

/** Sends events of `level` and above to standard error, as JSON lines or as text for people. */
export function configureLog({ level, format }: { level: Level; format: "json" | "text" }): void {
  print = format === "json" ? jsonLine : textLine;
  lowest = levels.indexOf(level);
}

/** Whether events of `level` are written: where the fields of one cost more than the line is worth. */
export function isLogged(level: Level): boolean {
  return levels.indexOf(level) >= lowest;
}

/** Other processes write to the same standard error: from now on lines stay whole among theirs. */
export function shareStderr(): void {
  sharesStderr = true;
}

/** Characters. PIPE_BUF: what is written at once up to this length, no other process writes into. */
const writtenWhole = 4096;
/** Characters, where nobody else writes. */
const writtenAlone = 65_536;

let pending = "";
let sharesStderr = false;
process.on("exit", writeNow);

/** Lines of these milliseconds are written together, unless one is urgent: under load the system call costs more than the line. */
const gatherMs = 5;

function writeSoon(line: string, isUrgent: boolean): void {
  if (pending.length + line.length > (sharesStderr ? writtenWhole : writtenAlone)) writeNow();
  if (pending === "" && !isUrgent) setTimeout(writeNow, gatherMs);
  pending += line;
  if (isUrgent) writeNow();
}

function writeNow(): void {
  if (pending === "") return;
  const lines = pending;
  pending = "";
  process.stderr.write(lines);
}

function jsonLine(level: Level, event: string, fields: Fields): string {
  const rest = JSON.stringify(fields).slice(1);
  return `{"time":"${timestamp()}","level":"${level}","event":"${event}"${rest === "}" ? "" : ","}${rest}`;
}

let stampedAt = 0;
let stamp = "";

/** RFC 3339. Many lines of a busy moment share one. */
function timestamp(): string {
  const now = Date.now();
  if (now !== stampedAt) {
    stampedAt = now;
    stamp = new Date(now).toISOString();
  }
  return stamp;
}

function textLine(level: Level, event: string, fields: Fields): string {
  const time = new Date().toISOString().slice(11, 19);
  const words = Object.entries(fields).map(([name, value]) =>
    ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
  );
  return `${time} ${level.padEnd(7)} ${event}${words.join("")}`;
}

/** Without the objects that JSON has no words for. */
function printable(fields: Fields): Fields {
  if (!holdsError(fields)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? printError(value) : value]),
  );
}

function holdsError(fields: Fields): boolean {
  for (const name in fields) if (fields[name] instanceof Error) return true;
  return false;
}

/** Message and causes, without stacks: a stack may quote values. */
function printError(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${printError(error.cause)}` : "";
  return `${error.name}: ${ours(error) ? error.message : originsOnly(error.message)}${cause}`;
}

/** Errors of our own have a name of their own; what they quote was looked at. */
function ours({ name }: Error): boolean {
  return name !== "Error" && name !== "TypeError";
}

/** The runtimes' fetch quotes the whole URL, whose path and query may hold a secret, as the other side pleases: one bad header does it. */
function originsOnly(message: string): string {
  return message.replace(
    /\b(https?:\/\/)(?:[^\s\/?#"]*@)?([^\s\/?#"():]+(?::\d+)?)[^\s"]*?(?=\)?:?(?:[\s"]|$))/gi,
    "$1$2",
  );
}

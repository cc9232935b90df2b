// Structured events: one name, a few fields. Never a token, code, key, cookie or full query string.
import { configure, getLogger, type LogRecord } from "@logtape/logtape";
import { oneLine } from "./one_line.ts";

export type Level = "fatal" | "error" | "warning" | "info" | "debug" | "trace";
export type Fields = Readonly<Record<string, unknown>>;

/** Event names are past tense (`token_issued`), fields use wire names (`client_id`). An `Error` in a field is printed as message and causes. */
export type Log = Readonly<Record<Level, (event: string, fields?: Fields) => void>>;

const category = ["mcp-oauth-proxy"];

/** The log of the process; what is written before `configureLog` is lost. */
export const processLog: Log = createLog();

function createLog(): Log {
  const logger = getLogger(category);
  const write = (level: Level) => (event: string, fields: Fields = {}) => {
    if (!logger.isEnabledFor(level)) return;
    // A whole record: LogTape copies one without category property by property, which costs more than writing the line.
    const properties = printable(fields);
    const record = { category, timestamp: Date.now(), level, message: [event], rawMessage: event, properties };
    logger.emit(record);
  };
  return {
    fatal: write("fatal"),
    error: write("error"),
    warning: write("warning"),
    info: write("info"),
    debug: write("debug"),
    trace: write("trace"),
  };
}

/** Sends events of `level` and above to standard error, as JSON lines or as text for people. */
export async function configureLog(options: { level: Level; format: "json" | "text" }): Promise<void> {
  const write = options.format === "json" ? jsonLine : textLine;
  await configure({
    reset: true,
    sinks: { stderr: (record) => writeSoon(write(record), urgent.has(record.level)) },
    loggers: [
      { category, sinks: ["stderr"], lowestLevel: options.level },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
}

/** Other processes write to the same standard error: from now on lines stay whole among theirs. */
export function shareStderr(): void {
  sharesStderr = true;
}

const urgent: ReadonlySet<string> = new Set(["fatal", "error", "warning"]);

/** Characters. PIPE_BUF: what is written at once up to this length, no other process writes into. */
const writtenWhole = 4096;

let pending = "";
let sharesStderr = false;
process.on("exit", writeNow);

/** The lines of one turn of the event loop are written together: under load the system call costs more than the line. */
function writeSoon(line: string, isUrgent: boolean): void {
  if (sharesStderr && pending.length + line.length > writtenWhole) writeNow();
  if (pending === "" && !isUrgent) setImmediate(writeNow);
  pending += line;
  if (isUrgent) writeNow();
}

function writeNow(): void {
  if (pending === "") return;
  const lines = pending;
  pending = "";
  process.stderr.write(lines);
}

function jsonLine(record: LogRecord): string {
  const fields = { time: new Date(record.timestamp).toISOString(), level: record.level, event: eventOf(record) };
  return oneLine(JSON.stringify({ ...fields, ...record.properties })) + "\n";
}

function textLine(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString().slice(11, 19);
  const fields = Object.entries(record.properties).map(([name, value]) =>
    ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`
  );
  return oneLine(`${time} ${record.level.padEnd(7)} ${eventOf(record)}${fields.join("")}`) + "\n";
}

function eventOf(record: LogRecord): string {
  return String(record.rawMessage);
}

/** Without the objects that JSON has no words for. */
function printable(fields: Fields): Record<string, unknown> {
  if (!Object.values(fields).some((value) => value instanceof Error)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? printError(value) : value]),
  );
}

/** Message and causes, without stacks: a stack may quote values. */
function printError(error: Error): string {
  const cause = error.cause instanceof Error ? `: ${printError(error.cause)}` : "";
  return `${error.name}: ${error.message}${cause}`;
}

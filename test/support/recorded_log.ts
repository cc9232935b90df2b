// A log that remembers what was written to it.
import type { Fields, Level, Log } from "../../lib/telemetry/log.ts";

export interface RecordedEvent {
  level: Level;
  event: string;
  fields: Fields;
}

export function recordedLog(): { log: Log; events: RecordedEvent[] } {
  const events: RecordedEvent[] = [];
  const write = (level: Level) => (event: string, fields: Fields = {}) => void events.push({ level, event, fields });
  const log: Log = {
    fatal: write("fatal"),
    error: write("error"),
    warning: write("warning"),
    info: write("info"),
    debug: write("debug"),
    trace: write("trace"),
  };
  return { log, events };
}

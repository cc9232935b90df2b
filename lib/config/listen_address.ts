// Where the server of a file listens, also when the file has problems by now: it may have been started before them.
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { serverKeys } from "./schema.ts";

export interface ListenAddress {
  /** As programs on this machine reach it: loopback where it listens on every address. */
  host: string;
  port: number;
}

/** Flags beat the file; what neither says, or the file can't say, is the default. */
export function findListenAddress(path: string, flags: { host?: string; port?: number }): ListenAddress {
  const table = readServerTable(path);
  const host = flags.host ?? (typeof table.host === "string" ? table.host : serverKeys.host.default);
  const port = flags.port ?? (typeof table.port === "number" ? table.port : serverKeys.port.default);
  return { host: host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host, port };
}

function readServerTable(path: string): { host?: unknown; port?: unknown } {
  try {
    const { server } = parse(readFileSync(path, "utf8"));
    return typeof server === "object" && server !== null ? server as Record<string, unknown> : {};
  } catch {
    return {}; // no file, or no TOML: what counts here is who answers, and `check` tells what is wrong with the file
  }
}

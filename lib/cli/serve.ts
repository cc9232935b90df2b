// serve: the configuration for now; the server follows.
import { loadOrReport } from "./load_or_report.ts";

export interface ServeCommand {
  configPath: string;
  /** Flags; they beat the file. */
  host?: string;
  port?: number;
}

/** @returns the exit code */
export async function serve({ configPath, host, port }: ServeCommand): Promise<number> {
  const config = await loadOrReport({ path: configPath, overrides: { host, port } });
  if (config !== undefined) console.error("The configuration is fine, but this build can't serve yet.");
  return 1;
}

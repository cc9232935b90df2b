// Variables that beat the file.
import type { LogLevel } from "./config.ts";
import type { Problems } from "./problems.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export const stateSecretVariable = "MCP_PROXY_STATE_SECRET";

/** `MCP_PROXY_MY_SERVER_CLIENT_SECRET` for the downstream `my-server`, as seed 1 named it. */
export function clientSecretVariable(downstream: string): string {
  return `MCP_PROXY_${downstream.toUpperCase().replaceAll("-", "_")}_CLIENT_SECRET`;
}

/** The value of a variable; one that is empty counts as not set. */
export function readVariable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

const levels: readonly LogLevel[] = ["fatal", "error", "warning", "info", "debug", "trace"];
const otherNames: Readonly<Record<string, LogLevel>> = { panic: "fatal", off: "fatal", warn: "warning" };

/** The level that LOG_LEVEL, or else RUST_LOG, asks for. A wrong LOG_LEVEL is a problem; of RUST_LOG what we don't know is passed over. */
export function logLevelFrom(env: Environment, problems: Problems): LogLevel | undefined {
  const asked = readVariable(env, "LOG_LEVEL");
  if (asked === undefined) return rustLogLevel(readVariable(env, "RUST_LOG"));
  const level = parseLevel(asked);
  if (level === undefined) {
    const place = { path: "LOG_LEVEL", source: "" };
    problems.add(place, `must be one of ${levels.join(", ")} (got ${JSON.stringify(asked)})`);
  }
  return level;
}

/** `debug`, or the directive for us in `tower_http=warn,mcp_oauth_proxy=debug`. */
function rustLogLevel(text = ""): LogLevel | undefined {
  const directives = text.split(",").map((directive) => directive.trim().split("="));
  const ours = directives.find(([target]) => target === "mcp_oauth_proxy");
  const general = directives.find((directive) => directive.length === 1);
  return parseLevel(ours?.[1] ?? general?.[0] ?? "");
}

function parseLevel(text: string): LogLevel | undefined {
  const name = text.toLowerCase();
  return levels.find((level) => level === name) ?? (Object.hasOwn(otherNames, name) ? otherNames[name] : undefined);
}

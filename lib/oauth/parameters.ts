// Request parameters as RFC 6749 §3.1 and §3.2 want them: an empty value counts as absent, a repeated one is an error.
import { OAuthError } from "./errors.ts";

export type Parameters = Readonly<Record<string, string>>;

/**
 * Reads form or query parameters. Unknown ones are kept: the RFC wants them ignored, and whoever reads names what it wants.
 *
 * @throws OAuthError `invalid_request` when a parameter is repeated, `invalid_target` when that is `resource`
 */
export function parseParameters(search: URLSearchParams): Parameters {
  const parameters: Record<string, string> = Object.create(null);
  const seen = new Set<string>();
  for (const [name, value] of search) {
    if (seen.has(name)) throw repeated(name);
    seen.add(name);
    if (value !== "") parameters[name] = value;
  }
  return parameters;
}

/** Only the parameters of these names, repetitions included. */
export function pickParameters(search: URLSearchParams, names: readonly string[]): URLSearchParams {
  return new URLSearchParams([...search].filter(([name]) => names.includes(name)));
}

/** @throws OAuthError `invalid_request` when the parameter is absent or empty */
export function requireParameter(parameters: Parameters, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new OAuthError("invalid_request", `${name} is required`);
  return value;
}

/** RFC 8707 §2 allows several `resource` values, and a server that serves one at a time to refuse them. */
function repeated(name: string): OAuthError {
  return name === "resource"
    ? new OAuthError("invalid_target", "one resource per request; ask for each MCP server by itself")
    : new OAuthError("invalid_request", `parameter ${printName(name)} is repeated`);
}

function printName(name: string): string {
  return name.replace(/[^\w.-]/g, "?").slice(0, 40);
}

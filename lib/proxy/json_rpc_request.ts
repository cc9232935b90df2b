// A JSON-RPC message as we authorise it and as the downstream will read it: the same message, whatever parser it has.
import { OAuthError } from "../oauth/errors.ts";
import { parseLosslessly } from "./lossless_json.ts";

export interface JsonRpcMessage {
  /** Undefined for a response of the client. */
  method?: string;
  /** What the request is about, where `Mcp-Name` repeats it: `params.name`, `params.uri` or `params.taskId`. */
  name?: string;
  /** The message written again by us: a key that stood twice stands once, so no parser can see another one than we did. */
  text: string;
}

const members = new Set(["jsonrpc", "id", "method", "params", "result", "error"]);
const nameMember: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  // The tasks extension routes by it.
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/**
 * Reads one message. Batches (gone since 2025-06-18), other members, and members that differ from the known ones only in case
 * are refused: a downstream with a lenient parser might take them for what they are not.
 *
 * @throws OAuthError `invalid_request`
 */
export function parseJsonRpcMessage(body: string): JsonRpcMessage {
  const message = parseJson(body);
  if (Array.isArray(message)) throw refused("JSON-RPC batches are not allowed here; send one message per request");
  if (typeof message !== "object" || message === null) throw refused("the body must be one JSON-RPC message");
  const foreign = Object.keys(message).find((key) => !members.has(key));
  if (foreign !== undefined) throw refused(`unknown JSON-RPC member ${JSON.stringify(foreign.slice(0, 40))}`);
  const { method, params } = message as { method?: unknown; params?: unknown };
  const text = JSON.stringify(message);
  if (method === undefined) return { text };
  if (typeof method !== "string") throw refused("method must be a string");
  const name = nameOf(method, params);
  return { method, ...(name === undefined ? {} : { name }), text };
}

function nameOf(method: string, params: unknown): string | undefined {
  if (!Object.hasOwn(nameMember, method)) return undefined;
  const member = nameMember[method]!;
  const values = typeof params === "object" && params !== null ? params as Record<string, unknown> : {};
  const twin = Object.keys(values).find((key) => key !== member && key.toLowerCase() === member.toLowerCase());
  if (twin !== undefined) throw refused(`params has ${JSON.stringify(twin)} beside ${member}`);
  const name = values[member];
  if (typeof name !== "string") throw refused(`params.${member} must be a string`);
  return name;
}

function parseJson(body: string): unknown {
  try {
    return parseLosslessly(body);
  } catch (cause) {
    throw new OAuthError("invalid_request", "the body is not JSON, or nested too deeply", { cause });
  }
}

function refused(description: string): OAuthError {
  return new OAuthError("invalid_request", description);
}

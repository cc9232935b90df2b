// Who may call which tool, in both protocol eras: on the body, and on the headers of 2026-07-28 after checking that they say
// the same (streamable-http, Server Validation). What we do not know is refused.
import { OAuthError } from "../oauth/errors.ts";
import { isToolAllowed, scopeForTool, type ToolScope } from "../oauth/tool_scope.ts";
import { decodeMetadataHeader } from "./metadata_header.ts";
import type { JsonRpcMessage } from "./json_rpc_request.ts";

/** Requests that touch no tool. */
const harmless = new Set([
  "initialize",
  "ping",
  "server/discover",
  "tools/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "prompts/list",
  "prompts/get",
  "completion/complete",
  "logging/setLevel",
  "subscriptions/listen",
  "tasks/get",
  "tasks/result",
  "tasks/list",
  "tasks/cancel",
  "tasks/update",
]);

export interface ToolRequest {
  headers: Headers;
  message: JsonRpcMessage;
  toolScopes: readonly ToolScope[];
  granted: readonly string[];
}

/**
 * Checks a message that we carry.
 *
 * @throws OAuthError `insufficient_scope` with the scope to ask for; `invalid_request` for header mismatch and unknown methods
 */
export function checkToolRequest({ headers, message, toolScopes, granted }: ToolRequest): void {
  checkMetadataHeaders(headers, message);
  const { method, name } = message;
  if (method === undefined || isHarmless(method)) return;
  if (method !== "tools/call") throw unknownMethod(method);
  if (!isToolAllowed(toolScopes, granted, name!)) throw insufficientScope(toolScopes, name!);
}

/** Requests and notifications that touch no tool. */
export function isHarmless(method: string): boolean {
  return method.startsWith("notifications/") || harmless.has(method);
}

export function unknownMethod(method: string): OAuthError {
  const quoted = JSON.stringify(method.slice(0, 60));
  return new OAuthError("invalid_request", `the method ${quoted} is not known to this proxy`, {
    status: 403,
    operatorHint:
      "tool scopes are enforced for this downstream, so methods that this version does not know are refused",
  });
}

/** The challenge that makes a client step up; the tool's name is not repeated, the client knows what it called. */
export function insufficientScope(toolScopes: readonly ToolScope[], tool: string): OAuthError {
  const scope = scopeForTool(toolScopes, tool);
  return new OAuthError(
    "insufficient_scope",
    scope.length > 0 ? "this tool needs another scope" : "no scope opens this tool",
    { scope },
  );
}

/** Headers, where present, say what the body says; whoever routes by them and whoever runs the body must agree. */
function checkMetadataHeaders(headers: Headers, message: JsonRpcMessage): void {
  const method = headers.get("mcp-method");
  if (method !== null && method !== message.method) throw mismatch("Mcp-Method");
  const name = headers.get("mcp-name");
  if (name !== null && decodeMetadataHeader(name) !== message.name) throw mismatch("Mcp-Name");
}

function mismatch(header: string): OAuthError {
  return new OAuthError("invalid_request", `the header ${header} does not match the body`);
}

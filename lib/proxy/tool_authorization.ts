// Who may call which tool, in both protocol eras: on the body, and on the headers of 2026-07-28 after checking that they say
// the same (streamable-http, Server Validation). What we do not know is refused.
import { OAuthError } from "../oauth/errors.ts";
import { isToolAllowed, scopeForTool, type ToolScope } from "../oauth/tool_scope.ts";
import { decodeMetadataHeader } from "./metadata_header.ts";
import type { JsonRpcMessage } from "./json_rpc_request.ts";

/** Requests that touch no tool. Notifications and a client's responses touch none either. */
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
  if (method === undefined || method.startsWith("notifications/") || harmless.has(method)) return;
  if (method !== "tools/call") {
    throw new OAuthError(
      "invalid_request",
      `the method ${JSON.stringify(method.slice(0, 60))} is not known to this proxy`,
      {
        status: 403,
        operatorHint:
          "tool scopes are enforced for this downstream, so methods that this version does not know are refused",
      },
    );
  }
  if (!isToolAllowed(toolScopes, granted, name!)) throw insufficientScope(toolScopes, name!);
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
  for (const [header, inBody] of [["mcp-method", message.method], ["mcp-name", message.name]] as const) {
    const sent = headers.get(header);
    if (sent !== null && decodeMetadataHeader(sent) !== inBody) {
      throw new OAuthError("invalid_request", `the header ${header} does not match the body`);
    }
  }
}

// A login resource whose tools need scopes, and its messages.
import type { LoginConfig } from "../../lib/config/config.ts";
import type { ToolScope } from "../../lib/oauth/tool_scope.ts";

export const toolScopes: ToolScope[] = [
  { name: "wiki:read", description: "Read pages", tools: ["search", "get_page"] },
  { name: "wiki:write", description: "Change pages", tools: ["search", "get_page", "put_page"] },
];

export const loginConfig: LoginConfig = {
  kind: "login",
  providers: ["company"],
  allowEveryone: true,
  allowedUsers: [],
  allowedEmailDomains: [],
  allowedGroups: [],
  subject: "id",
  identityHeaders: false,
  toolScopes,
};

export const callTool = (name: string) =>
  JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: {} } });

export const listOf = (...names: string[]) => ({
  jsonrpc: "2.0",
  id: 1,
  result: { tools: names.map((name) => ({ name })) },
});

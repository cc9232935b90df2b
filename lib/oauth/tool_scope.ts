// Which scopes open which tools. Pure: the proxy, the consent page and the metadata all ask here.

/** A scope that opens tools of one MCP server; from the configuration or from the server's `tools/list` `_meta.scopes`. */
export interface ToolScope {
  name: string;
  description: string;
  tools: readonly string[];
}

/** True when a granted scope opens the tool. A tool that no scope names is open to nobody. */
export function isToolAllowed(toolScopes: readonly ToolScope[], granted: readonly string[], tool: string): boolean {
  return toolScopes.some(({ name, tools }) => granted.includes(name) && tools.includes(tool));
}

/** All tools that the granted scopes open, for asking about many. */
export function allowedTools(toolScopes: readonly ToolScope[], granted: readonly string[]): Set<string> {
  return new Set(toolScopes.filter(({ name }) => granted.includes(name)).flatMap(({ tools }) => tools));
}

/** The scope to ask for so that `tool` can be called: of those that open it the one that opens the least. Empty when none does. */
export function scopeForTool(toolScopes: readonly ToolScope[], tool: string): string[] {
  const opening = toolScopes.filter(({ tools }) => tools.includes(tool));
  const least = opening.sort((a, b) => a.tools.length - b.tools.length)[0];
  return least === undefined ? [] : [least.name];
}

/** Names of the other scopes that `scope` covers: all of whose tools it opens as well. One without tools is covered by all. */
export function scopesCoveredBy(toolScopes: readonly ToolScope[], scope: ToolScope): string[] {
  return toolScopes
    .filter((other) => other.name !== scope.name && other.tools.every((tool) => scope.tools.includes(tool)))
    .map(({ name }) => name);
}

// A server's own tool scopes: `_meta.scopes` of its tools/list answer, asked in the way of 2026-07-28, else with a session.
import { type HttpAnswer, readAnswer } from "../http/json_rpc_answer.ts";
import type { ToolScope } from "../oauth/tool_scope.ts";

export interface FetchToolScopesTools {
  fetch: typeof fetch;
  /** For each request. */
  timeoutMs: number;
}

/** Statuses by which a server tells strangers that it is not for them, or that it speaks another transport. */
const refusals = new Set([400, 401, 403, 404, 405, 406]);
const modernVersion = "2026-07-28";
const sessionVersion = "2025-11-25";
const maxPages = 20;
const maxChars = 4 * 1024 * 1024;
/** Scopes and their tools, on all pages together: each of them is looked at for each request. */
const maxNames = 10_000;
const clientInfo = { name: "mcp-oauth-proxy", version: "1" };
const rpcHeaders = { "content-type": "application/json", "accept": "application/json, text/event-stream" };

type List = (cursor: string | undefined) => Promise<HttpAnswer>;

/**
 * The scopes that the MCP server at `url` names for its tools; empty when it names none, undefined when it answers nobody but
 * its users.
 *
 * @param credential headers that let us in, when we have any
 * @throws Error when it can't be asked, or when `_meta.scopes` has another shape
 */
export async function fetchToolScopes(
  url: URL,
  credential: Record<string, string>,
  tools: FetchToolScopesTools,
): Promise<ToolScope[] | undefined> {
  const post = (headers: Record<string, string>, message: Record<string, unknown>) =>
    readAnswer(url, {
      method: "POST",
      headers: { ...rpcHeaders, ...headers, ...credential },
      body: JSON.stringify({ jsonrpc: "2.0", ...message }),
    }, { ...tools, maxChars });

  const modern: List = (cursor) =>
    post({ "mcp-protocol-version": modernVersion, "mcp-method": "tools/list" }, {
      id: "scopes",
      method: "tools/list",
      params: {
        ...(cursor === undefined ? {} : { cursor }),
        _meta: {
          "io.modelcontextprotocol/protocolVersion": modernVersion,
          "io.modelcontextprotocol/clientInfo": clientInfo,
          "io.modelcontextprotocol/clientCapabilities": {},
        },
      },
    });
  const first = await modern(undefined);
  if (resultOf(first) !== undefined) return await allPages(first, modern);

  const opened = await post({}, {
    id: "initialize",
    method: "initialize",
    params: { protocolVersion: sessionVersion, capabilities: {}, clientInfo },
  });
  const welcome = resultOf(opened);
  // It refuses strangers, or speaks no Streamable HTTP: it knows its own tokens, or has no way to name scopes.
  if (welcome === undefined && refusals.has(opened.status)) return undefined;
  const version = welcome?.protocolVersion;
  if (typeof version !== "string") throw new Error(`it answered initialize with status ${opened.status}`);
  const session = opened.headers.get("mcp-session-id");
  const headers = { "mcp-protocol-version": version, ...(session === null ? {} : { "mcp-session-id": session }) };
  try {
    await post(headers, { method: "notifications/initialized" });
    if (isRecord(welcome?.capabilities) && welcome.capabilities.tools === undefined) return [];
    const withSession: List = (cursor) =>
      post(headers, { id: "scopes", method: "tools/list", params: cursor === undefined ? {} : { cursor } });
    return await allPages(await withSession(undefined), withSession);
  } finally {
    if (session !== null) await endSession({ ...headers, ...credential });
  }

  /** Politeness; a server need not know DELETE. */
  async function endSession(headers: Record<string, string>): Promise<void> {
    await readAnswer(url, { method: "DELETE", headers }, tools).catch(() => {});
  }
}

/** Scopes of all pages; a scope that stands on several is one with the tools of all. */
async function allPages(first: HttpAnswer, list: List): Promise<ToolScope[]> {
  const scopes = new Map<string, { description: string; tools: Set<string> }>();
  let names = 0;
  let answer = first;
  for (let page = 1;; page++) {
    const result = resultOf(answer);
    if (result === undefined) throw new Error(`it answered tools/list with status ${answer.status}`);
    for (const { name, description, tools } of parseToolScopes(result._meta)) {
      names += 1 + tools.length;
      if (names > maxNames) throw new Error(`_meta.scopes of its tools/list has more than ${maxNames} names`);
      const known = scopes.get(name) ?? { description, tools: new Set() };
      tools.forEach((tool) => known.tools.add(tool));
      scopes.set(name, known);
    }
    if (typeof result.nextCursor !== "string" || result.nextCursor === "") {
      return [...scopes].map(([name, { description, tools }]) => ({ name, description, tools: [...tools] }));
    }
    if (page === maxPages) throw new Error(`its tools/list has more than ${maxPages} pages`);
    answer = await list(result.nextCursor);
  }
}

function resultOf({ message }: HttpAnswer): Record<string, unknown> | undefined {
  return isRecord(message?.result) ? message.result : undefined;
}

/** Characters of a name. Names stand in our metadata and in challenges, which strangers may ask for. */
const longestName = 128;
/** Characters of a description that people are shown. */
const longestDescription = 500;

/** `_meta.scopes`: a list of `{ name, description, tools }`. @throws Error for any other shape, and for longer names */
export function parseToolScopes(meta: unknown): ToolScope[] {
  const list = isRecord(meta) ? meta.scopes : undefined;
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw new Error("_meta.scopes of its tools/list must be a list");
  return list.map((entry) => {
    const { name, description = "", tools = [] } = isRecord(entry) ? entry : {} as Record<string, unknown>;
    const isNamed = typeof name === "string" && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(name);
    if (!isNamed || typeof description !== "string" || !Array.isArray(tools)) {
      throw new Error("each of _meta.scopes must have a name without spaces, a description and a list of tools");
    }
    const names = tools.filter((tool) => typeof tool === "string");
    if ([name, ...names].some(({ length }) => length > longestName)) {
      throw new Error(`a name in _meta.scopes of its tools/list has more than ${longestName} characters`);
    }
    return { name, description: description.slice(0, longestDescription), tools: names };
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// What answers at a URL: an MCP server of which era, something that wants a credential first, or something else.
import { type HttpAnswer, readAnswer } from "../http/json_rpc_answer.ts";

export type Probed =
  | { kind: "unreachable"; error: unknown }
  | { kind: "redirect"; status: number; location: string }
  /** It wants a credential, or another one. */
  | { kind: "refused"; status: 401 | 403; challenge: string }
  /** Streamable HTTP. */
  | { kind: "mcp"; versions: string[]; name?: string }
  /** HTTP+SSE of 2024-11-05: its first event says where to post. */
  | { kind: "legacy_sse"; endpoint: string }
  | { kind: "other"; status: number; contentType: string };

export interface ProbeTools {
  fetch: typeof fetch;
  /** For each request. */
  timeoutMs: number;
}

const modernVersion = "2026-07-28";
const legacyVersion = "2025-11-25";
const clientInfo = { name: "mcp-oauth-proxy-check", version: "1" };

/**
 * Asks in the order of the specification (Streamable HTTP, Backward Compatibility): `server/discover`, then `initialize`,
 * then GET for the transport before both.
 *
 * @param credential headers that let us in, when we have any
 */
export async function probeMcpServer(url: URL, credential: Record<string, string>, tools: ProbeTools): Promise<Probed> {
  const ask = (method: string, headers: Record<string, string>, body?: string) =>
    readAnswer(url, { method, headers: { ...headers, ...credential }, body }, tools);
  try {
    const discovered = await ask("POST", discoverHeaders, discoverBody);
    const early = conclude(discovered) ?? modernServer(discovered);
    if (early !== undefined) return early;
    const initialized = await ask("POST", rpcHeaders, initializeBody);
    const late = conclude(initialized) ?? await legacyServer(initialized, ask);
    if (late !== undefined) return late;
    const opened = await ask("GET", { accept: "text/event-stream" });
    const opening = conclude(opened) ?? legacySse(opened);
    return opening ?? { kind: "other", status: initialized.status, contentType: initialized.contentType };
  } catch (error) {
    return { kind: "unreachable", error };
  }
}

type Ask = (method: string, headers: Record<string, string>, body?: string) => Promise<HttpAnswer>;

const rpcHeaders = { "content-type": "application/json", "accept": "application/json, text/event-stream" };

const discoverHeaders = { ...rpcHeaders, "mcp-protocol-version": modernVersion, "mcp-method": "server/discover" };

const discoverBody = rpc("server/discover", {
  _meta: {
    "io.modelcontextprotocol/protocolVersion": modernVersion,
    "io.modelcontextprotocol/clientInfo": clientInfo,
    "io.modelcontextprotocol/clientCapabilities": {},
  },
});

const initializeBody = rpc("initialize", { protocolVersion: legacyVersion, capabilities: {}, clientInfo });

function rpc(method: string, params: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id: "check-1", method, params });
}

/** What no other question would change. */
function conclude(answer: HttpAnswer): Probed | undefined {
  const { status, headers } = answer;
  if (status === 401 || (status === 403 && answer.message === undefined)) {
    return { kind: "refused", status, challenge: headers.get("www-authenticate") ?? "" };
  }
  const location = headers.get("location");
  return status >= 300 && status < 400 && location !== null ? { kind: "redirect", status, location } : undefined;
}

/** `server/discover` was understood, or refused with the list of versions (UnsupportedProtocolVersionError, -32022). */
function modernServer({ message }: HttpAnswer): Probed | undefined {
  const result = record(message?.result);
  const error = record(message?.error);
  const versions = strings(result?.supportedVersions) ?? strings(record(error?.data)?.supported);
  if (versions === undefined) return undefined;
  const serverInfo = record(record(result?._meta)?.["io.modelcontextprotocol/serverInfo"]);
  return { kind: "mcp", versions, name: text(serverInfo?.name) };
}

/** `initialize` was understood. The session that it opened is closed again. */
async function legacyServer({ message, headers }: HttpAnswer, ask: Ask): Promise<Probed | undefined> {
  const result = record(message?.result);
  const version = text(result?.protocolVersion);
  if (version === undefined) return undefined;
  const session = headers.get("mcp-session-id");
  if (session !== null) {
    await ask("DELETE", { "mcp-session-id": session, "mcp-protocol-version": version });
  }
  return { kind: "mcp", versions: [version], name: text(record(result?.serverInfo)?.name) };
}

function legacySse({ endpoint }: HttpAnswer): Probed | undefined {
  return endpoint === undefined ? undefined : { kind: "legacy_sse", endpoint };
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

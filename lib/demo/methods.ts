// What the demo server answers to each MCP method, in both eras of the protocol.
import {
  buildNotification,
  errorCode,
  JsonRpcError,
  type JsonRpcMessage,
  type JsonRpcRequest,
  type Params,
} from "./json_rpc.ts";
import { callTool, listTools } from "./tools.ts";

/** 2026-07-28 and later: stateless, version in every request. */
export const modernVersions: readonly string[] = ["2026-07-28"];
/** Opened by an `initialize` handshake; newest first. */
export const legacyVersions: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

export const serverInfo = { name: "mcp-oauth-proxy-demo", title: "mcp-oauth-proxy demo server", version: "1.0.0" };
const capabilities = { tools: {} };
const instructions = "A demo server behind mcp-oauth-proxy. Try echo, add and time; slow and stream report progress.";
/** The tools never change while the server runs. */
const caching = { ttlMs: 3_600_000, cacheScope: "public" };

export interface CallContext {
  era: "legacy" | "modern";
  /** Seconds since the epoch. */
  now: () => number;
  /** Sends a notification on the stream of this request. */
  notify: (message: JsonRpcMessage) => void;
  /** Aborted when the client went away. */
  signal: AbortSignal;
}

/** @throws JsonRpcError */
export async function answer(request: JsonRpcRequest, context: CallContext): Promise<Params> {
  return context.era === "modern" ? await answerModern(request, context) : await answerLegacy(request, context);
}

async function answerLegacy({ method, params }: JsonRpcRequest, context: CallContext): Promise<Params> {
  switch (method) {
    case "initialize": {
      const asked = String(params.protocolVersion);
      const protocolVersion = legacyVersions.includes(asked) ? asked : legacyVersions[0];
      return { protocolVersion, capabilities, serverInfo, instructions };
    }
    case "ping":
      return {};
    case "tools/list":
      return { tools: listTools() };
    case "tools/call":
      return await callTool(params, toolContext(params, context));
    default:
      throw new JsonRpcError(errorCode.methodNotFound, `unknown method: ${method}`);
  }
}

async function answerModern({ method, params }: JsonRpcRequest, context: CallContext): Promise<Params> {
  const complete = (result: Params): Params => ({
    resultType: "complete",
    ...result,
    _meta: { "io.modelcontextprotocol/serverInfo": serverInfo },
  });
  switch (method) {
    case "server/discover":
      return complete({
        supportedVersions: [...modernVersions, ...legacyVersions],
        capabilities,
        instructions,
        ...caching,
      });
    case "tools/list":
      return complete({ tools: listTools(), ...caching });
    case "tools/call":
      return complete(await callTool(params, toolContext(params, context)));
    default:
      throw new JsonRpcError(errorCode.methodNotFound, `unknown method: ${method}`, { status: 404 });
  }
}

/** Progress goes only to a client that gave a token for it (MCP, basic/patterns/progress). */
function toolContext(params: Params, { now, notify, signal }: CallContext): Parameters<typeof callTool>[1] {
  const progressToken = (params._meta as Params | undefined)?.progressToken;
  return {
    now,
    signal,
    progress: (step) => {
      if (progressToken !== undefined) notify(buildNotification("notifications/progress", { progressToken, ...step }));
    },
  };
}

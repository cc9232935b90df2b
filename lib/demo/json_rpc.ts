// JSON-RPC 2.0 as MCP uses it: messages in, messages out. No transport here.

export type RequestId = string | number;
export type Params = Readonly<Record<string, unknown>>;

export interface JsonRpcRequest {
  kind: "request";
  id: RequestId;
  method: string;
  params: Params;
}

/** A notification, or a response to a request that we never send: accepted, and nothing more. */
export interface JsonRpcOther {
  kind: "other";
}

export interface JsonRpcMessage {
  jsonrpc: "2.0";
  id?: RequestId;
  method?: string;
  params?: Params;
  result?: Params;
  error?: { code: number; message: string; data?: unknown };
}

/** Codes of JSON-RPC 2.0 §5.1 and of MCP 2026-07-28 (basic, "Error Codes"). */
export const errorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  headerMismatch: -32020,
  unsupportedProtocolVersion: -32022,
} as const;

/** Refused with this code; `status` is the HTTP status where MCP 2026-07-28 names one. */
export class JsonRpcError extends Error {
  readonly code: number;
  readonly status: number;
  readonly data: unknown;

  constructor(code: number, message: string, options: { status?: number; data?: unknown } = {}) {
    super(message);
    this.code = code;
    this.status = options.status ?? 200;
    this.data = options.data;
  }
}

/** @throws JsonRpcError `invalidRequest` */
export function parseMessage(value: unknown): JsonRpcRequest | JsonRpcOther {
  if (!isParams(value) || value.jsonrpc !== "2.0") {
    throw new JsonRpcError(errorCode.invalidRequest, "not a JSON-RPC 2.0 message", { status: 400 });
  }
  const { id, method, params } = value;
  if (id === undefined || method === undefined) return { kind: "other" };
  if (typeof method !== "string" || (typeof id !== "string" && !Number.isInteger(id))) {
    throw new JsonRpcError(errorCode.invalidRequest, "a request has a method and a string or integer id", {
      status: 400,
    });
  }
  return { kind: "request", id: id as RequestId, method, params: isParams(params) ? params : {} };
}

export function isParams(value: unknown): value is Params {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function buildResult(id: RequestId, result: Params): JsonRpcMessage {
  return { jsonrpc: "2.0", id, result };
}

export function buildNotification(method: string, params: Params): JsonRpcMessage {
  return { jsonrpc: "2.0", method, params };
}

/** `id` is absent where the request's own could not be read. */
export function buildError(id: RequestId | undefined, error: JsonRpcError): JsonRpcMessage {
  const { code, message, data } = error;
  return {
    jsonrpc: "2.0",
    ...(id === undefined ? {} : { id }),
    error: { code, message, ...(data === undefined ? {} : { data }) },
  };
}

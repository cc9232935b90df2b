// MCP over Streamable HTTP: 2025-03-26 to 2025-11-25 without sessions, and 2026-07-28.
import { createEventStream } from "./event_stream.ts";
import {
  buildError,
  buildResult,
  errorCode,
  isParams,
  JsonRpcError,
  type JsonRpcMessage,
  type JsonRpcRequest,
  parseMessage,
  type RequestId,
} from "./json_rpc.ts";
import { answer, type CallContext, legacyVersions, modernVersions } from "./methods.ts";
import { isStreamingTool } from "./tools.ts";

const metaKey = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
};
/** Methods whose name is mirrored in Mcp-Name, and the parameter that holds it. */
const namedBy: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
};

/** Everything on the MCP endpoint. */
export async function streamableHttp(request: Request, now: () => number): Promise<Response> {
  if (request.method === "GET") return openQuietStream(request);
  if (request.method !== "POST") return new Response(null, { status: 405, headers: { allow: "GET, POST" } });
  let id: RequestId | undefined;
  try {
    const body = await parseBody(request);
    if (Array.isArray(body)) return await answerBatch(body, request, now);
    const message = parseMessage(body);
    if (message.kind === "other") return new Response(null, { status: 202 });
    id = message.id;
    const era = selectEra(request.headers, message);
    return await answerOne(message, { era, now }, request);
  } catch (error) {
    if (!(error instanceof JsonRpcError)) throw error;
    return json(buildError(id, error), error.status);
  }
}

/** The standalone GET stream of 2025-03-26 to 2025-11-25; this server never has anything to say on it. */
function openQuietStream(request: Request): Response {
  if (!accepts(request, "text/event-stream")) return new Response(null, { status: 406 });
  if (modernVersions.includes(request.headers.get("mcp-protocol-version") ?? "")) {
    return new Response(null, { status: 405 });
  }
  return createEventStream().response;
}

async function parseBody(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch (cause) {
    throw new JsonRpcError(errorCode.parseError, `the body is not JSON: ${(cause as Error).message}`, { status: 400 });
  }
}

/** Tools that report progress answer with a stream where the client takes one; the rest answers with JSON. */
async function answerOne(
  message: JsonRpcRequest,
  call: Pick<CallContext, "era" | "now">,
  request: Request,
): Promise<Response> {
  const streams = message.method === "tools/call" && isStreamingTool(message.params.name);
  if (!streams || !accepts(request, "text/event-stream")) {
    return json(buildResult(message.id, await answer(message, { ...call, notify: () => {}, signal: request.signal })));
  }
  const stream = createEventStream();
  const send = (out: JsonRpcMessage) => stream.send({ data: JSON.stringify(out) });
  answer(message, { ...call, notify: send, signal: stream.signal })
    .then((result) => send(buildResult(message.id, result)))
    .catch((error: unknown) => {
      if (error instanceof JsonRpcError) send(buildError(message.id, error));
      else if (!stream.signal.aborted) throw error;
    })
    .finally(stream.close);
  return stream.response;
}

/** JSON-RPC batches exist in 2025-03-26 only. */
async function answerBatch(batch: unknown[], request: Request, now: () => number): Promise<Response> {
  const version = request.headers.get("mcp-protocol-version") ?? "2025-03-26";
  if (version !== "2025-03-26" || batch.length === 0) {
    throw new JsonRpcError(errorCode.invalidRequest, `no batches in protocol version ${version}`, { status: 400 });
  }
  const requests = batch.map(parseMessage).filter((message) => message.kind === "request");
  if (requests.length === 0) return new Response(null, { status: 202 });
  const context: CallContext = { era: "legacy", now, notify: () => {}, signal: request.signal };
  const answers = await Promise.all(requests.map((message) =>
    answer(message, context).then(
      (result) => buildResult(message.id, result),
      (error: unknown) => {
        if (error instanceof JsonRpcError) return buildError(message.id, error);
        throw error;
      },
    )
  ));
  return json(answers);
}

/**
 * A request that carries its version in `_meta` or names a modern one in the header is modern (2026-07-28, versioning).
 * @throws JsonRpcError where the headers and the body do not belong together, or the version is unknown
 */
function selectEra(headers: Headers, message: JsonRpcRequest): "legacy" | "modern" {
  const header = headers.get("mcp-protocol-version");
  const meta = isParams(message.params._meta) ? message.params._meta : {};
  const version = meta[metaKey.version];
  if (version === undefined) {
    if (header === null || legacyVersions.includes(header) || message.method === "initialize") return "legacy";
    checkSupported(header);
    throw missingMeta(metaKey.version);
  }
  checkMirrored("MCP-Protocol-Version", header, version);
  checkSupported(version);
  checkMirrored("Mcp-Method", headers.get("mcp-method"), message.method);
  const nameField = namedBy[message.method];
  if (nameField) checkMirrored("Mcp-Name", decodeHeaderValue(headers.get("mcp-name")), message.params[nameField]);
  if (!isParams(meta[metaKey.capabilities])) throw missingMeta(metaKey.capabilities);
  return "modern";
}

/** @throws JsonRpcError `headerMismatch` (2026-07-28, Server Validation) */
function checkMirrored(name: string, header: string | null, inBody: unknown): void {
  if (header !== null && header === inBody) return;
  const problem = header === null ? `the ${name} header is missing` : `the ${name} header does not match the body`;
  throw new JsonRpcError(errorCode.headerMismatch, `Header mismatch: ${problem}`, { status: 400 });
}

/** @throws JsonRpcError `unsupportedProtocolVersion` with what would do */
function checkSupported(requested: unknown): void {
  if (modernVersions.includes(String(requested))) return;
  throw new JsonRpcError(errorCode.unsupportedProtocolVersion, "Unsupported protocol version", {
    status: 400,
    data: { supported: [...modernVersions, ...legacyVersions], requested },
  });
}

function missingMeta(key: string): JsonRpcError {
  return new JsonRpcError(errorCode.invalidParams, `_meta lacks ${key}`, { status: 400 });
}

/** `=?base64?...?=` holds UTF-8 that a header cannot (2026-07-28, Value Encoding). */
function decodeHeaderValue(value: string | null): string | null {
  const encoded = value?.match(/^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/)?.[1];
  if (value === null || encoded === undefined) return value;
  return new TextDecoder().decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)));
}

function accepts(request: Request, type: string): boolean {
  const accept = request.headers.get("accept") ?? "*/*";
  return accept.includes(type) || accept.includes("*/*");
}

function json(body: JsonRpcMessage | JsonRpcMessage[], status = 200): Response {
  return Response.json(body, { status });
}

// What stays of one MCP request of a known user: a line in the audit stream and, while it is an open stream, a count.
// Never its arguments, never its answer.
import type { Resource } from "../config/config.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Access } from "../tokens/access_token.ts";
import type { JsonRpcMessage } from "./json_rpc_request.ts";
import { decodeMetadataHeader } from "./metadata_header.ts";
import type { OutgoingBody } from "./request_body.ts";

export interface RequestRecord {
  /** What the body is about, by those who read it anyway. */
  read(message: JsonRpcMessage): void;
  /** A body that nobody read; where no header says what it is about, a small one is looked into. */
  sending(body: OutgoingBody): void;
  /** The head of the answer is on its way. */
  answered(response: Response): void;
  /** Nothing more will move. */
  ended(): void;
}

export interface RecordTools {
  log: Log;
  metrics: Pick<Metrics, "streamOpened" | "streamEnded">;
}

export interface RecordedRequest {
  requestId: string;
  request: Request;
  resource: Resource;
  access: Access;
}

/** Larger bodies are not parsed for the log's sake. */
const maxParsedBytes = 8_192;

/** Writes `mcp_request` once, when the answer is known and over: a long stream's line comes at its end. */
export function openRecord(
  tools: RecordTools,
  { requestId, request, resource, access }: RecordedRequest,
): RequestRecord {
  const started = performance.now();
  const { method: httpMethod, headers } = request;
  let about: About = aboutHeaders(headers);
  let status: number | undefined;
  let isStream = false;
  let isOver = false;

  function finish(): void {
    if (isStream) tools.metrics.streamEnded(resource.name);
    tools.log.info("mcp_request", {
      request_id: requestId,
      resource: resource.name,
      client_id: access.clientId,
      grant: access.grantId,
      subject: access.identity?.subject,
      method: httpMethod,
      path: resource.urls.path,
      mcp_method: about.method,
      tool: about.tool,
      status,
      ms: Math.round((performance.now() - started) * 10) / 10,
    });
  }

  return {
    read: ({ method, name }) => void (about = printable(method, name)),
    sending({ body }) {
      if (about.method === undefined && body !== null && !(body instanceof ReadableStream)) about = aboutBody(body);
    },
    answered(response) {
      status = response.status;
      isStream = !isOver && (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
      if (isStream) tools.metrics.streamOpened(resource.name);
      if (isOver) finish();
    },
    ended() {
      isOver = true;
      if (status !== undefined) finish();
    },
  };
}

interface About {
  method?: string | undefined;
  /** Of tools/call. */
  tool?: string | undefined;
}

/** Since 2026-07-28. */
function aboutHeaders(headers: Headers): About {
  const method = headers.get("mcp-method");
  return method === null ? {} : printable(method, decodeMetadataHeader(headers.get("mcp-name") ?? ""));
}

/** What the body says to us; a downstream with an odd parser may read it otherwise, unless tool scopes are enforced. */
function aboutBody(body: ArrayBuffer | Uint8Array): About {
  if (body.byteLength === 0 || body.byteLength > maxParsedBytes) return {};
  try {
    const { method, params } = JSON.parse(new TextDecoder().decode(body)) as { method?: unknown; params?: unknown };
    return printable(method, (params as { name?: unknown } | undefined)?.name);
  } catch {
    return {}; // whatever it is, the downstream will say so
  }
}

/** Names that could be one; anything else might be a value in the wrong place, or break the line. */
function printable(method: unknown, name: unknown): About {
  if (typeof method !== "string" || !/^[\w/$.-]{1,60}$/.test(method)) return {};
  if (method !== "tools/call") return { method };
  return { method, tool: typeof name === "string" && /^[\w/.:-]{1,128}$/.test(name) ? name : "unprintable" };
}

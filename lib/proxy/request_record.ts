// What stays of one MCP request of a known user: a line in the audit stream and, while it is an open stream, a count.
// Never its arguments, never its answer.
import type { Resource } from "../config/config.ts";
import { isReader } from "../http1/answer.ts";
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
  /** The answer is an event stream. */
  streams(): void;
  /** The head of the answer is on its way. */
  answered(status: number): void;
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
export function openRecord(tools: RecordTools, recorded: RecordedRequest): RequestRecord {
  return new OpenRecord(tools, recorded);
}

/** A class, because thousands are open at a time and closures take several times the memory. Nothing of the request stays in it. */
class OpenRecord implements RequestRecord {
  readonly #tools: RecordTools;
  readonly #resource: Resource;
  readonly #requestId: string;
  readonly #clientId: string;
  readonly #grantId: string;
  readonly #subject: string | undefined;
  readonly #method: string;
  readonly #started = performance.now();
  #about: About;
  #status: number | undefined;
  #isStream = false;
  #isOver = false;

  constructor(tools: RecordTools, { requestId, request, resource, access }: RecordedRequest) {
    this.#tools = tools;
    this.#resource = resource;
    this.#requestId = requestId;
    this.#clientId = access.clientId;
    this.#grantId = access.grantId;
    this.#subject = access.identity?.subject;
    this.#method = request.method;
    this.#about = aboutHeaders(request.headers);
  }

  read({ method, name }: JsonRpcMessage): void {
    this.#about = printable(method, name);
  }

  sending({ body }: OutgoingBody): void {
    if (this.#about.method === undefined && body !== null && !isReader(body)) {
      this.#about = aboutBody(body);
    }
  }

  streams(): void {
    this.#isStream = true;
  }

  answered(status: number): void {
    this.#status = status;
    if (this.#isOver) {
      this.#isStream = false; // it was never open to anybody
      return this.#finish();
    }
    if (this.#isStream) this.#tools.metrics.streamOpened(this.#resource.name);
  }

  ended(): void {
    this.#isOver = true;
    if (this.#status !== undefined) this.#finish();
  }

  #finish(): void {
    const { log, metrics } = this.#tools;
    if (this.#isStream) metrics.streamEnded(this.#resource.name);
    log.info("mcp_request", {
      request_id: this.#requestId,
      client_id: this.#clientId,
      grant: this.#grantId,
      subject: this.#subject,
      resource: this.#resource.name,
      method: this.#method,
      path: this.#resource.urls.path,
      mcp_method: this.#about.method,
      tool: this.#about.tool,
      status: this.#status,
      ms: Math.round((performance.now() - this.#started) * 10) / 10,
    });
  }
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

const utf8 = new TextDecoder();

/** What the body says to us; a downstream with an odd parser may read it otherwise, unless tool scopes are enforced. */
function aboutBody(body: ArrayBuffer | Uint8Array): About {
  if (body.byteLength === 0 || body.byteLength > maxParsedBytes) return {};
  try {
    const { method, params } = JSON.parse(utf8.decode(body)) as { method?: unknown; params?: unknown };
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

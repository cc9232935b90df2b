// The gate in front of a resource whose tools need scopes: what goes up is checked, what comes down is filtered.
import type { Resource } from "../config/config.ts";
import { collectBytes } from "../http/collected_bytes.ts";
import { readText } from "../http/read_text.ts";
import type { Answer, ByteReader } from "../http1/answer.ts";
import type { FieldList } from "../http1/field_list.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ResourceScopes } from "../scopes/resource_scopes.ts";
import { editedAnswer, streamOf } from "./edited_answer.ts";
import { type Exchange, whyBroken } from "./exchange.ts";
import { type JsonRpcMessage, parseJsonRpcMessage } from "./json_rpc_request.ts";
import type { OutgoingBody } from "./request_body.ts";
import { checkToolRequest } from "./tool_authorization.ts";
import { filterEventStream, filterMessage, type ToolFilter } from "./tools_list_filter.ts";

export interface ToolGate {
  /**
   * The body to send, once it may be sent.
   *
   * @param read gets the message before it is judged
   * @throws OAuthError `insufficient_scope`, `invalid_request`, 413, 415
   */
  authorize(request: Request, exchange: Exchange, read: (message: JsonRpcMessage) => void): Promise<OutgoingBody>;
  /** The answer without the tools that the user may not call. @throws OAuthError 502 when it can't be looked into */
  filter(answer: Answer, exchange: Exchange): Promise<Answer>;
}

/** The gate for one user; undefined where no tool needs a scope. */
export async function openToolGate(
  scopes: ResourceScopes,
  { resource, granted, maxBytes }: { resource: Resource; granted: readonly string[]; maxBytes: number },
): Promise<ToolGate | undefined> {
  const toolScopes = await scopes.toolScopes(resource);
  return toolScopes.length === 0 ? undefined : createGate({ toolScopes, granted, maxBytes });
}

function createGate(filter: ToolFilter): ToolGate {
  const { toolScopes, granted, maxBytes } = filter;
  return {
    async authorize(request, exchange, read) {
      if (request.method !== "POST") return { body: null };
      if (isEncoded(request.headers)) {
        throw new OAuthError("invalid_request", "send the body without a content encoding", { status: 415 });
      }
      const text = await exchange.orCut(readText(request, { maxBytes })).catch((error) => {
        throw whyBroken(error, exchange);
      });
      const message = parseJsonRpcMessage(text);
      read(message);
      checkToolRequest({ headers: request.headers, message, toolScopes, granted });
      // The client's own type may name a charset in which the downstream would read another message.
      return { body: new TextEncoder().encode(message.text), contentType: "application/json" };
    },
    filter: (answer, exchange) => filterAnswer(answer, { filter, exchange }),
  };
}

async function filterAnswer(
  answer: Answer,
  { filter, exchange }: { filter: ToolFilter; exchange: Exchange },
): Promise<Answer> {
  const { status, fields } = answer;
  const reader = answer.reader();
  if (reader === null) return answer;
  if (isEncoded(fields)) {
    void reader.cancel().catch(() => {}); // nobody waits for it any more
    throw unreadable("the MCP server compressed its answer although it was asked not to");
  }
  const type = fields.get("content-type") ?? "";
  if (/^text\/event-stream\b/i.test(type)) {
    return editedAnswer({ status, fields }, streamOf(reader).pipeThrough(filterEventStream(filter)));
  }
  const bytes = await exchange.orCut(readWhole(reader, filter.maxBytes)).catch((error) => {
    throw error instanceof OAuthError || exchange.reason !== undefined
      ? error
      : unreadable("the MCP server broke off in the middle of its answer", error);
  });
  const isJson = status >= 200 && status < 300 && /json/i.test(type);
  return editedAnswer({ status, fields }, filterBytes(bytes, filter, isJson));
}

/**
 * Whatever its type says, because a lenient client may not look at that. The byte order mark goes, as in a client's `json()`.
 *
 * @throws OAuthError 502
 */
function filterBytes(
  bytes: Uint8Array<ArrayBuffer>,
  filter: ToolFilter,
  mustBeJson: boolean,
): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return bytes;
  try {
    const filtered = filterMessage(text, filter);
    return filtered === text ? bytes : new TextEncoder().encode(filtered);
  } catch (error) {
    if (error instanceof SyntaxError && !mustBeJson) return bytes; // no MCP message, so no tools in it either
    throw unreadable("the MCP server answered with something that can't be read as JSON");
  }
}

async function readWhole(reader: ByteReader, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = collectBytes();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole.whole();
    whole.push(value);
    if (whole.size <= maxBytes) continue;
    void reader.cancel().catch(() => {}); // nobody waits for it any more
    throw unreadable(`the MCP server's answer is larger than ${maxBytes} bytes`);
  }
}

function isEncoded(headers: Headers | FieldList): boolean {
  return !/^(identity)?$/i.test(headers.get("content-encoding") ?? "");
}

function unreadable(description: string, cause?: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", description, { status: 502, cause });
}

// The gate in front of a resource whose tools need scopes: what goes up is checked, what comes down is filtered.
import type { Resource } from "../config/config.ts";
import { readText } from "../http/read_text.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ResourceScopes } from "../scopes/resource_scopes.ts";
import type { Exchange } from "./exchange.ts";
import { parseJsonRpcMessage } from "./json_rpc_request.ts";
import type { OutgoingBody } from "./request_body.ts";
import { checkToolRequest } from "./tool_authorization.ts";
import { filterEventStream, filterJson, type ToolFilter } from "./tools_list_filter.ts";

export interface ToolGate {
  /** The body to send, once it may be sent. @throws OAuthError `insufficient_scope`, `invalid_request`, 413 */
  authorize(request: Request, exchange: Exchange): Promise<OutgoingBody>;
  /** The answer without the tools that the user may not call. @throws OAuthError 502 when it can't be looked into */
  filter(answer: Response): Response;
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
    async authorize(request, exchange) {
      if (request.method !== "POST") return { body: null };
      const message = parseJsonRpcMessage(await exchange.orCut(readText(request, maxBytes)));
      checkToolRequest({ headers: request.headers, message, toolScopes, granted });
      return { body: new TextEncoder().encode(message.text) };
    },
    filter: (answer) => filterAnswer(answer, filter),
  };
}

function filterAnswer(answer: Response, filter: ToolFilter): Response {
  const type = answer.headers.get("content-type") ?? "";
  const isStream = /^text\/event-stream\b/i.test(type);
  if (answer.body === null || !(isStream || /json/i.test(type))) return answer;
  const coding = answer.headers.get("content-encoding") ?? "identity";
  if (coding !== "identity") {
    void answer.body.cancel().catch(() => {}); // nobody waits for it any more
    throw new OAuthError(
      "temporarily_unavailable",
      "the MCP server compressed its answer although it was asked not to",
      {
        status: 502,
      },
    );
  }
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  const body = answer.body.pipeThrough(isStream ? filterEventStream(filter) : filterJson(filter));
  return new Response(body, { status: answer.status, headers });
}

// Message endpoints of legacy HTTP+SSE downstreams, sealed into a parameter of our own URL: a client can post to the one it
// was given, and to nothing else on the downstream's origin.
import type { Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Access } from "../tokens/access_token.ts";
import type { Sealer } from "../tokens/seal.ts";
import { resolveEndpoint, rewriteEndpointEvent } from "./legacy_sse.ts";
import type { StreamEdit } from "./sse_stream.ts";

const parameter = "message_endpoint";

interface MessageEndpoint {
  resource: string;
  /** Only the user who opened the stream may post into it. */
  grantId: string;
  url: string;
}

export interface LegacyEndpoints {
  /** Whether the answer can be a legacy stream: newer clients open theirs with a session, or resume one. */
  mayAnswer(request: Request): boolean;
  /** Leads the stream's messages through us. */
  edit(resource: Resource, access: Access): StreamEdit;
  /**
   * Takes our parameter out of a query (without `?`); `endpoint` is the URL sealed in it, undefined when it is not there.
   *
   * @throws OAuthError 404 when it was not given to this user for this resource
   */
  open(query: string, resource: Resource, access: Access): { endpoint?: URL; query: string };
}

export function legacyEndpoints(sealer: Sealer): LegacyEndpoints {
  return {
    mayAnswer: ({ method, headers }) =>
      method === "GET" && !headers.has("mcp-session-id") && !headers.has("last-event-id"),

    edit: (resource, access) =>
      rewriteEndpointEvent((endpoint) => {
        const { href } = resolveEndpoint(endpoint, resource.downstreamUrl!);
        const value: MessageEndpoint = { resource: resource.name, grantId: access.grantId, url: href };
        // Only a path: a client resolves it against the URL by which it reached us, and refuses another origin.
        return `${resource.urls.path}?${parameter}=${sealer.seal("downstream endpoint", value)}`;
      }),

    open(query, resource, access) {
      if (!query.includes(`${parameter}=`)) return { query };
      const parts = query.split("&");
      const sealed = parts.find((part) => part.startsWith(`${parameter}=`))?.slice(parameter.length + 1) ?? "";
      const opened = sealer.open("downstream endpoint", sealed);
      const value = typeof opened === "object" ? opened.value as MessageEndpoint : undefined;
      if (value?.resource !== resource.name || value.grantId !== access.grantId) {
        throw new OAuthError("invalid_request", "this message endpoint is not known; open the event stream again", {
          status: 404,
        });
      }
      return {
        endpoint: new URL(value.url),
        query: parts.filter((part) => !part.startsWith(`${parameter}=`)).join("&"),
      };
    },
  };
}

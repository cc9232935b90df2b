// What waits while the browser is at a provider for a client's sake.
import type { AuthorizationRequest } from "../oauth/authorization_request.ts";
import type { FlowKind } from "./flow.ts";

export interface AuthorizationFlow {
  request: AuthorizationRequest;
  /** Name of the resource the trip began for. */
  resource: string;
  /** The last part of the redirect URI that the provider was given; absent: the resource's own callback. */
  provider?: string;
  /** What the strategy wants back in `finish`. */
  memo: unknown;
}

export const authorizationFlow: FlowKind = {
  purpose: "flow",
  prefix: "mcp-flow-",
  startAgainFrom: "your MCP client",
};

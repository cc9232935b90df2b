// Signing in at /apps: the same trip to a provider as for a client, of a kind of its own and with a callback of its own.
import type { FlowKind } from "./flow.ts";

export interface AppsFlow {
  provider: string;
  /** What the provider wants back. */
  memo: unknown;
  /** From `recogniseBrowser`. */
  binding: string;
}

export const appsFlow: FlowKind = { purpose: "apps sign-in", prefix: "mcp-apps-", startAgainFrom: "this page" };

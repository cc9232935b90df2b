// Whether the MCP servers behind us can be reached, for the home page: a bare connection, asked seldom, whoever looks.
import type { Resource } from "../config/config.ts";

export interface ServerStatusTools {
  isReachable: (url: URL, timeoutMs: number) => Promise<boolean>;
}

/** Undefined for a server whose traffic we don't carry. */
export type ServerStatus = (resource: Resource) => Promise<boolean | undefined>;

const timeoutMs = 1_500;
/** However often the page is loaded, each host gets at most one connection in this time. */
const validForMs = 30_000;

export function createServerStatus({ isReachable }: ServerStatusTools): ServerStatus {
  /** Origin -> what was asked last. */
  const known = new Map<string, { askedAt: number; answer: Promise<boolean> }>();

  return async ({ downstreamUrl }) => {
    if (downstreamUrl === undefined) return undefined;
    const url = new URL(downstreamUrl);
    const last = known.get(url.origin);
    const askedAt = performance.now();
    if (last !== undefined && askedAt - last.askedAt < validForMs) return await last.answer;
    const answer = isReachable(url, timeoutMs);
    known.set(url.origin, { askedAt, answer });
    return await answer;
  };
}

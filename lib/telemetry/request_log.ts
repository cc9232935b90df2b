// One line per request, and the id that ties a page, an answer and the log together.
import { randomBytes } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Log } from "./log.ts";

/** What is known of a request while it is served; endpoints add to it. */
export interface RequestFacts {
  requestId: string;
  /** Name of the resource it was for. */
  resource?: string;
}

const knownMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Logs method, path without query, status and the milliseconds until the head of the answer was known. */
export function requestLog(log: Log): MiddlewareHandler<{ Variables: { facts: RequestFacts } }> {
  return async (c, next) => {
    const started = performance.now();
    const facts: RequestFacts = { requestId: randomBytes(9).toString("base64url") };
    c.set("facts", facts);
    await next();
    const probe = c.req.path === "/health" || c.req.path === "/healthz" || c.req.path === "/readyz";
    log[probe ? "debug" : "info"]("request_served", {
      request_id: facts.requestId,
      method: knownMethods.has(c.req.method) ? c.req.method : "other",
      path: pathWithoutSecrets(c.req.path),
      status: c.res.status,
      ms: Math.round((performance.now() - started) * 10) / 10,
      ...(facts.resource === undefined ? {} : { resource: facts.resource }),
    });
  };
}

/** A legacy endpoint's path holds a sealed reference; it says nothing to a reader and does not belong in a log. */
function pathWithoutSecrets(path: string): string {
  return path.replace(/[A-Za-z0-9_.-]{80,}/g, "…").slice(0, 200);
}

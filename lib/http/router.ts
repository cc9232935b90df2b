// How a path becomes an answer: which resource it is for, who may knock how often, which methods it has, and what a refusal
// looks like to the one who asked. The paths themselves are in app.ts.
import { type Context, Hono } from "hono";
import type { Config, Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Connection } from "../runtime/runtime.ts";
import type { Log } from "../telemetry/log.ts";
import { createHostLabel } from "../telemetry/metric_labels.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { type RequestFacts, requestLog } from "../telemetry/request_log.ts";
import { createAddressList, createForwardedReader, type ForwardedRequest } from "./client_address.ts";
import { type Draining, retryAfterDrainSeconds } from "./draining.ts";
import { asOAuthError, jsonError, pageError } from "./error_responses.ts";
import { chooseHost, findResource } from "./find_resource.ts";
import type { RateLimits } from "./rate_limits.ts";
import { publicPreflight } from "./response_headers.ts";

type RouteContext = Context<{ Bindings: Connection; Variables: { facts: RequestFacts; forwarded: ForwardedRequest } }>;
/** What came with a request. */
export interface RequestContext {
  connection: Connection;
  facts: RequestFacts;
  /** Of the client, as far as trusted proxies tell. */
  address: string;
}

export type Handler = (request: Request, resource: Resource, context: RequestContext) => Response | Promise<Response>;
/** Of a path that belongs to no resource; undefined where nothing seems to be published for who asks. */
type Answer = (request: Request, connection: Connection) => Found | Promise<Found>;
type Found = Response | undefined;
export type Handlers = Partial<Record<"GET" | "POST", Handler>>;

/** @param asker whether the peer itself, not who it says it asks for, is one of the trusted proxies */
export type ProxyHandler = (
  request: Request,
  resource: Resource | undefined,
  asker: { isTrusted: boolean },
) => Promise<Response>;

/** `json` for programs (RFC 6749 §5.2), `page` for people. */
export type ErrorStyle = "json" | "page";

export interface RouteOptions {
  errors: ErrorStyle;
  /** Browser programs of any origin may call it. */
  cors?: boolean;
  /** Strangers may knock here, so they are counted: the name of the bucket. */
  limit?: string;
}

export interface Router {
  /** For programs that watch the process: the only answers that are given while it drains. */
  probe(path: string, answer: Answer): void;
  /** An answer that has nothing to do with a resource; `limit` names its bucket where strangers are counted. */
  get(path: string, answer: Answer, options?: { limit?: string; errors?: ErrorStyle }): void;
  /** A page that has nothing to do with one resource, with its methods. Strangers are counted under `limit`. */
  page(path: string, handlers: Record<"GET" | "POST", (request: Request) => Promise<Response>>, limit: string): void;
  /** One path of a resource, with its methods; 405 with `Allow` for the others (RFC 9110 §15.5.6). `:name` names the resource. */
  route(path: string, handlers: Handlers, options: RouteOptions): void;
  /** Every method of a path of a resource. */
  all(path: string, handler: Handler): void;
  /** Every method, also where no resource is found: for `/authenticate`, whose askers understand only 200, 401 and 403. */
  always(path: string, handler: ProxyHandler): void;
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

export function createRouter(
  tools: { config: Config; rateLimits: RateLimits; log: Log; metrics: Metrics; tracing?: Tracing | undefined },
  draining: Pick<Draining, "hasBegun">,
): Router {
  const { config: { resources, server }, rateLimits, log, metrics, tracing } = tools;
  const hostLabel = createHostLabel([server.publicUrl, ...resources.map(({ urls }) => urls.resource)]);
  const readForwarded = createForwardedReader(server.trustedProxies);
  const isTrusted = createAddressList(server.trustedProxies);
  const hono = new Hono<{ Bindings: Connection; Variables: { facts: RequestFacts; forwarded: ForwardedRequest } }>();
  hono.use(requestLog({ log, metrics, tracing, hostLabel }));
  hono.use(async (c, next) => {
    c.set("forwarded", readForwarded(c.req.raw.headers, c.env.remoteAddress));
    await next();
  });
  hono.notFound((c) =>
    c.json({ error: "not_found", error_description: "nothing is published here; GET / says what is" }, 404)
  );
  hono.onError((error, c) => failed(error, c, "json"));

  function resourceOf(c: RouteContext): Resource | undefined {
    const { host, pathname } = new URL(c.req.url);
    const name = c.req.param("name");
    return findResource(resources, {
      host: chooseHost(host, c.get("forwarded").host, { resources, publicUrl: server.publicUrl }),
      pathname,
      ...(name === undefined ? {} : { name }),
    });
  }

  async function serve(c: RouteContext, handler: Handler, { errors, limit }: RouteOptions): Promise<Response> {
    try {
      if (limit !== undefined) await rateLimits.checkAddress(limit, c.get("forwarded").address);
      const resource = resourceOf(c);
      if (resource === undefined) return unknownResource();
      c.get("facts").resource = resource.name;
      return await handler(c.req.raw, resource, {
        connection: c.env,
        facts: c.get("facts"),
        address: c.get("forwarded").address,
      });
    } catch (error) {
      return failed(error, c, errors);
    }
  }

  /** 421 where every resource has a host of its own and none was asked for (RFC 9110 §15.5.20). */
  function unknownResource(): Response {
    const byHost = resources.every(({ ownHost }) => ownHost !== undefined);
    return byHost
      ? new Response("Host not allowed\n", { status: 421 })
      : Response.json({ error: "unknown downstream" }, { status: 404 });
  }

  function failed(thrown: unknown, c: RouteContext, style: ErrorStyle): Response | Promise<Response> {
    const error = asOAuthError(thrown);
    const { requestId } = c.get("facts");
    logFailure(log, error, requestId);
    return style === "page"
      ? pageError(error, requestId)
      : jsonError(error, { basicAuthentication: c.req.header("authorization") !== undefined });
  }

  /** Notes the path as app.ts writes it: the only paths that metrics name. No new work while the process drains. */
  function at(path: string, answer: (c: RouteContext) => Response | Promise<Response>, style: ErrorStyle = "json") {
    return (c: RouteContext) => {
      c.get("facts").route = path;
      return draining.hasBegun() ? comeBack(c, style) : answer(c);
    };
  }

  async function comeBack(c: RouteContext, style: ErrorStyle): Promise<Response> {
    const error = new OAuthError("temporarily_unavailable", "this server is restarting; ask again in a few seconds", {
      retryAfterSeconds: retryAfterDrainSeconds,
    });
    const response = style === "page" ? await pageError(error, c.get("facts").requestId) : jsonError(error);
    response.headers.set("connection", "close"); // else the next request comes on a connection that is about to end
    return response;
  }

  return {
    probe(path, answer) {
      hono.get(path, async (c) => {
        c.get("facts").route = path;
        return await answer(c.req.raw, c.env) ?? await c.notFound();
      });
    },
    get(path, answer, { limit, errors } = {}) {
      const found = async (c: RouteContext) => {
        if (limit !== undefined) await rateLimits.checkAddress(limit, c.get("forwarded").address);
        return await answer(c.req.raw, c.env) ?? await c.notFound();
      };
      hono.get(path, at(path, found, errors));
    },
    page(path, handlers, limit) {
      for (const [method, handler] of Object.entries(handlers)) {
        const show = async (c: RouteContext) => {
          try {
            await rateLimits.checkAddress(limit, c.get("forwarded").address);
            return await handler(c.req.raw);
          } catch (error) {
            return failed(error, c, "page");
          }
        };
        hono.on(method, path, at(path, show, "page"));
      }
    },
    route(path, handlers, options) {
      const methods = Object.keys(handlers).join(", ").replace("GET", "GET, HEAD");
      for (const [method, handler] of Object.entries(handlers)) {
        hono.on(method, path, at(path, (c) => serve(c, handler, options), options.errors));
      }
      if (options.cors) hono.options(path, at(path, () => publicPreflight(methods)));
      const allow = options.cors ? `${methods}, OPTIONS` : methods;
      const problem = { error: "invalid_request", error_description: `use ${methods}` };
      hono.all(path, at(path, (c) => c.json(problem, 405, { allow })));
    },
    all: (path, handler) => void hono.all(path, at(path, (c) => serve(c, handler, { errors: "json" }))),
    always(path, handler) {
      const ask = (c: RouteContext) => handler(c.req.raw, resourceOf(c), { isTrusted: isTrusted(c.env.remoteAddress) });
      hono.all(path, at(path, ask));
    },
    fetch: (request, connection) => hono.fetch(request, connection),
  };
}

function logFailure(log: Log, error: OAuthError, requestId: string): void {
  if (error.status >= 500) {
    log.error("request_failed", { request_id: requestId, error: error.cause ?? error });
    return;
  }
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  log.info("request_refused", { request_id: requestId, error: error.code, reason: error.message, ...cause });
}

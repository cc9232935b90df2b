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
import { createRequestLog, type Logged } from "../telemetry/request_log.ts";
import { createAddressList, createForwardedReader } from "./client_address.ts";
import { type Draining, retryAfterDrainSeconds } from "./draining.ts";
import { asOAuthError, jsonError, pageError } from "./error_responses.ts";
import { chooseHost, findResource, ownUrls, publishedHosts } from "./find_resource.ts";
import { badHost, notFound } from "./nowhere.ts";
import type { RateLimits } from "./rate_limits.ts";
import { publicPreflight } from "./response_headers.ts";
import {
  type Arrived,
  type PathFacts,
  type RequestContext,
  type RequestTarget,
  RoutedRequest,
} from "./routed_request.ts";

type Answering = (routed: RoutedRequest) => Response | Promise<Response>;
type Route = Logged<RoutedRequest>;

export type Handler = (request: Request, resource: Resource, context: RequestContext) => Response | Promise<Response>;
/** Of a path that belongs to no resource; undefined where nothing seems to be published for who asks. */
type Answer = (request: Request, connection: Connection) => Found | Promise<Found>;
type Found = Response | undefined;
export type Handlers = Partial<Record<"GET" | "POST", Handler>>;

/** @param context `host` as the browser named it, as far as trusted proxies tell */
export type PageHandler = (request: Request, context: { host: string; provider?: string }) => Promise<Response>;

/** @param asker whether the peer itself, not who it says it asks for, is one of the trusted proxies */
export type ProxyHandler = (
  request: Request,
  resource: Resource | undefined,
  asker: { readonly isTrusted: boolean },
) => Promise<Response>;

/** `json` for programs (RFC 6749 §5.2), `page` for people whom a client sent, `own page` for people who came by themselves. */
export type ErrorStyle = "json" | "page" | "own page";

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
  page(path: string, handlers: Partial<Record<"GET" | "POST", PageHandler>>, limit: string): void;
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
  const hasProxies = server.trustedProxies.length > 0;
  const published = publishedHosts(resources, server.publicUrl);
  const requestLog = createRequestLog({ log, metrics, tracing, hostLabel });
  const hono = new Hono<{ Bindings: Arrived }>();
  /** By whole URL: those of the resources, which take nearly all requests. One look instead of parsing and a walk through all patterns. */
  const direct = new Map<string, PathFacts & { url: RequestTarget; route: Route }>();
  hono.notFound((c) => observed(c.env, {}, unguarded(notFound)));
  hono.onError((error) => {
    log.error("request_failed", { error });
    return jsonError(asOAuthError(error));
  });

  /**
   * Each path has one handler of its own and no middleware: Hono's composing of several costs more than all of ours. No new work
   * while the process drains.
   */
  function on(method: string, path: string, answer: Answering, style: ErrorStyle = "json"): void {
    const route = guarded(answer, style);
    hono.on(method, path, (c) => observed(c.env, { path, ...parametersOf(c) }, route));
  }

  /** Every method; for the paths that nearly all requests take. */
  function onDirectly(path: string, answer: Answering): void {
    on("ALL", path, answer);
    const route = guarded(answer, "json");
    for (const { href, ...own } of ownUrls(resources, server.publicUrl, path)) {
      direct.set(href, { path, route, ...own });
    }
  }

  function guarded(answer: Answering, style: ErrorStyle): Route {
    return {
      answer: (routed) => draining.hasBegun() ? comeBack(routed, style) : answer(routed),
      failed: (error, routed) => failed(error, routed, style),
    };
  }

  /** Of what does not throw; Hono's handler of errors would see it. */
  function unguarded(answer: Answering): Route {
    return {
      answer,
      failed(error) {
        throw error;
      },
    };
  }

  function observed(arrived: Arrived, found: PathFacts, route: Route): Promise<Response> {
    const routed = new RoutedRequest(arrived, found, readForwarded);
    if (hasProxies) routed.host = routed.forwarded.host;
    return requestLog(routed, route);
  }

  function hostOf({ url, forwarded }: RoutedRequest): string {
    return chooseHost(url.host, forwarded.host, published);
  }

  function resourceOf(routed: RoutedRequest): Resource | undefined {
    const { url: { pathname }, name, resource } = routed;
    return resource ?? findResource(resources, {
      host: hostOf(routed),
      pathname,
      ...(name === undefined ? {} : { name }),
    });
  }

  async function serve(routed: RoutedRequest, handler: Handler, limit: string | undefined): Promise<Response> {
    if (limit !== undefined) await rateLimits.checkAddress(limit, routed.address);
    return await serveUncounted(routed, handler);
  }

  function serveUncounted(routed: RoutedRequest, handler: Handler): Response | Promise<Response> {
    const resource = resourceOf(routed);
    if (resource === undefined) return unknownResource();
    routed.facts.resource = resource.name;
    return handler(routed.request, resource, routed);
  }

  /** 421 where every resource has a host of its own and none was asked for (RFC 9110 §15.5.20). */
  function unknownResource(): Response {
    const byHost = resources.every(({ ownHost }) => ownHost !== undefined);
    return byHost
      ? new Response("Host not allowed\n", { status: 421 })
      : Response.json({ error: "unknown downstream" }, { status: 404 });
  }

  function failed(
    thrown: unknown,
    { request, facts: { requestId } }: RoutedRequest,
    style: ErrorStyle,
  ): Response | Promise<Response> {
    const error = asOAuthError(thrown);
    logFailure(log, error, requestId);
    return style === "json"
      ? jsonError(error, { basicAuthentication: request.headers.has("authorization") })
      : pageError(error, { requestId, fromClient: style === "page" });
  }

  async function comeBack({ facts: { requestId } }: RoutedRequest, style: ErrorStyle): Promise<Response> {
    const error = new OAuthError("temporarily_unavailable", "this server is restarting; ask again in a few seconds", {
      retryAfterSeconds: retryAfterDrainSeconds,
    });
    const response = style === "json"
      ? jsonError(error)
      : await pageError(error, { requestId, fromClient: style === "page" });
    response.headers.set("connection", "close"); // else the next request comes on a connection that is about to end
    return response;
  }

  return {
    probe(path, answer) {
      const found = unguarded(async ({ request, connection }) => await answer(request, connection) ?? notFound());
      hono.get(path, (c) => observed(c.env, { path }, found));
    },
    get(path, answer, { limit, errors } = {}) {
      on("GET", path, async (routed) => {
        if (limit !== undefined) await rateLimits.checkAddress(limit, routed.address);
        return await answer(routed.request, routed.connection) ?? notFound();
      }, errors);
    },
    page(path, handlers, limit) {
      for (const [method, handler] of Object.entries(handlers)) {
        on(method, path, async (routed) => {
          await rateLimits.checkAddress(limit, routed.address);
          const { request, provider } = routed;
          return await handler(request, { host: hostOf(routed), ...(provider === undefined ? {} : { provider }) });
        }, "own page");
      }
    },
    route(path, handlers, { errors, limit, cors }) {
      const methods = Object.keys(handlers).join(", ").replace("GET", "GET, HEAD");
      for (const [method, handler] of Object.entries(handlers)) {
        on(method, path, (routed) => serve(routed, handler, limit), errors);
      }
      if (cors) on("OPTIONS", path, () => publicPreflight(methods));
      const allow = cors ? `${methods}, OPTIONS` : methods;
      const problem = { error: "invalid_request", error_description: `use ${methods}` };
      on("ALL", path, () => Response.json(problem, { status: 405, headers: { allow } }));
    },
    all: (path, handler) => onDirectly(path, (routed) => serveUncounted(routed, handler)),
    always(path, handler) {
      onDirectly(path, (routed) => {
        const { request, connection } = routed;
        return handler(request, resourceOf(routed), {
          get isTrusted() {
            return isTrusted(connection.remoteAddress);
          },
        });
      });
    },
    fetch(request, connection) {
      const found = direct.get(request.url);
      if (found !== undefined && request.method !== "HEAD") {
        return observed({ request, url: found.url, connection }, found, found.route);
      }
      const url = URL.parse(request.url);
      if (url !== null) return hono.fetch(request, { request, url, connection });
      return observed({ request, url: new URL(server.publicUrl), connection }, {}, unguarded(badHost));
    },
  };
}

function parametersOf({ req }: Context): { name: string | undefined; provider: string | undefined } {
  return { name: req.param("name"), provider: req.param("provider") };
}

function logFailure(log: Log, error: OAuthError, requestId: string): void {
  if (error.status >= 500) {
    log.error("request_failed", { request_id: requestId, error: error.cause ?? error });
    return;
  }
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  log.info("request_refused", { request_id: requestId, error: error.code, reason: error.message, ...cause });
}

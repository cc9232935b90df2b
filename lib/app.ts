// THE MAP: every path, its endpoint, its error style.
import { type Context, Hono } from "hono";
import { authorizationEndpoint } from "./authorize/authorization_endpoint.ts";
import { callbackEndpoint } from "./authorize/callback_endpoint.ts";
import { consentEndpoint } from "./authorize/consent_endpoint.ts";
import { registrationEndpoint } from "./clients/registration_endpoint.ts";
import type { Resource } from "./config/config.ts";
import type { Deps } from "./deps.ts";
import { homeEndpoint } from "./discovery/home_endpoint.ts";
import { metadataEndpoint } from "./discovery/metadata_endpoint.ts";
import { revocationEndpoint } from "./grants/revocation_endpoint.ts";
import { tokenEndpoint } from "./grants/token_endpoint.ts";
import { asOAuthError, challengeResponse, jsonError, pageError } from "./http/error_responses.ts";
import { createForwardedReader, type ForwardedRequest } from "./http/client_address.ts";
import { findResource } from "./http/find_resource.ts";
import { jwksAnswer } from "./tokens/jwks_endpoint.ts";
import { publicPreflight } from "./http/response_headers.ts";
import { OAuthError } from "./oauth/errors.ts";
import { mcpEndpoint } from "./proxy/mcp_endpoint.ts";
import type { Connection } from "./runtime/runtime.ts";
import { healthAnswer, readinessAnswer } from "./telemetry/health.ts";
import { type RequestFacts, requestLog } from "./telemetry/request_log.ts";

type Env = { Bindings: Connection; Variables: { facts: RequestFacts; forwarded: ForwardedRequest } };
type Handler = (request: Request, resource: Resource, c: Context<Env>) => Response | Promise<Response>;
type Handlers = Partial<Record<"GET" | "POST", Handler>>;
type ErrorStyle = (error: OAuthError, c: Context<Env>, resource: Resource) => Response | Promise<Response>;

export interface App {
  fetch(request: Request, connection: Connection): Response | Promise<Response>;
}

export function createApp(deps: Deps, state: { draining: () => boolean }): App {
  const { config } = deps;
  const app = new Hono<Env>({ strict: true });
  const readForwarded = createForwardedReader(config.server.trustedProxies);
  app.use(requestLog(deps.log));
  app.use(async (c, next) => {
    c.set("forwarded", readForwarded(c.req.raw.headers, c.env.remoteAddress));
    await next();
  });
  app.notFound((c) =>
    c.json({ error: "not_found", error_description: "nothing is published here; GET / lists what is" }, 404)
  );
  app.onError((error, c) => failed(error, c, json));

  // Error styles: what a refusal looks like to the one who asked.
  const json: ErrorStyle = (error, c) =>
    jsonError(error, { basicAuthentication: c.req.header("authorization") !== undefined });
  const page: ErrorStyle = (error, c) => pageError(error, c.get("facts").requestId);
  const challenge: ErrorStyle = async (error, c, resource) =>
    challengeResponse(error, resource, {
      tokenSent: c.req.header("authorization") !== undefined,
      supported: await deps.scopes.supported(resource),
    });

  // For people and for probes.
  app.get("/", async () => await homeEndpoint(config)());
  app.get("/health", () => healthAnswer("OK"));
  app.get("/healthz", () => healthAnswer(""));
  app.get("/readyz", () => readinessAnswer({ draining: state.draining(), store: deps.store.status() }));

  // Published by path (`/mcp/<name>`), and at the root: for a host of its own, or for the only one there is.
  const authorize = limited("authorize", { GET: authorizationEndpoint(deps), POST: consentEndpoint(deps) });
  const callback = limited("callback", { GET: callbackEndpoint(deps) });
  const token = limited("token", { POST: tokenEndpoint(deps) });
  const register = limited("register", { POST: registrationEndpoint(deps) });
  const revoke = limited("revoke", { POST: revocationEndpoint(deps) });
  for (const suffix of ["", "/mcp/:name"]) {
    route(`/authorize${suffix}`, authorize, page);
    route(`/callback${suffix}`, callback, page);
    route(`/token${suffix}`, token, json, { cors: true });
    if (config.clients.dynamicRegistration) route(`/register${suffix}`, register, json, { cors: true });
    route(`/revoke${suffix}`, revoke, json, { cors: true });
  }

  // Discovery, every form that clients try.
  const authorizationServer = { GET: metadataEndpoint(deps, "authorization server") };
  const openid = { GET: metadataEndpoint(deps, "openid configuration") };
  const protectedResource = { GET: metadataEndpoint(deps, "protected resource") };
  for (const suffix of ["", "/mcp/:name", "/*"]) {
    route(`/.well-known/oauth-authorization-server${suffix}`, authorizationServer, json, { cors: true });
    route(`/.well-known/openid-configuration${suffix}`, openid, json, { cors: true });
    route(`/.well-known/oauth-protected-resource${suffix}`, protectedResource, json, { cors: true });
  }
  route("/mcp/:name/.well-known/openid-configuration", openid, json, { cors: true });
  route("/mcp/:name/.well-known/oauth-authorization-server", authorizationServer, json, { cors: true });

  app.get("/.well-known/jwks.json", () => jwksAnswer(deps.keys));
  app.get("/openid/v1/jwks", () => jwksAnswer(deps.keys));

  // The protected resources themselves: any method.
  const carry = mcpEndpoint(deps);
  const mcp: Handler = (request, resource, c) => carry(request, resource, c.env);
  app.all("/mcp/:name", (c) => serve(c, mcp, challenge));
  app.all("/mcp/:name/*", (c) => serve(c, mcp, challenge));
  for (const path of new Set(config.resources.flatMap(({ ownHost }) => ownHost === undefined ? [] : [ownHost.path]))) {
    app.all(path, (c) => serve(c, mcp, challenge));
    app.all(`${path === "/" ? "" : path}/*`, (c) => serve(c, mcp, challenge));
  }

  /** One path: its methods, 405 with `Allow` for the others (RFC 9110 §15.5.6), preflight where browsers call it. */
  function route(
    path: string,
    handlers: Handlers,
    style: ErrorStyle,
    { cors = false } = {},
  ): void {
    const methods = Object.keys(handlers).join(", ").replace("GET", "GET, HEAD");
    for (const [method, handler] of Object.entries(handlers)) app.on(method, path, (c) => serve(c, handler, style));
    if (cors) app.options(path, () => publicPreflight(methods));
    app.all(path, (c) => {
      c.header("allow", cors ? `${methods}, OPTIONS` : methods);
      return c.json({ error: "invalid_request", error_description: `use ${methods}` }, 405);
    });
  }

  /** An endpoint that strangers may knock at, so they are counted. */
  function limited(
    endpoint: string,
    handlers: Partial<Record<"GET" | "POST", (request: Request, resource: Resource) => Response | Promise<Response>>>,
  ): Handlers {
    return Object.fromEntries(
      Object.entries(handlers).map(([method, handler]) => [
        method,
        ((request, resource, c) => {
          deps.rateLimits.checkAddress(endpoint, c.get("forwarded").address);
          return handler(request, resource);
        }) satisfies Handler,
      ]),
    );
  }

  async function serve(c: Context<Env>, handler: Handler, style: ErrorStyle): Promise<Response> {
    const resource = resourceOf(c);
    if (resource === undefined) return c.json({ error: "unknown downstream" }, 404);
    c.get("facts").resource = resource.name;
    try {
      return await handler(c.req.raw, resource, c);
    } catch (error) {
      return failed(error, c, style, resource);
    }
  }

  function resourceOf(c: Context<Env>): Resource | undefined {
    const { host, pathname } = new URL(c.req.url);
    const asked = c.get("forwarded").host ?? host;
    return findResource(config.resources, {
      host: asked,
      pathname,
      ...(c.req.param("name") === undefined ? {} : { name: c.req.param("name")! }),
    });
  }

  function failed(
    thrown: unknown,
    c: Context<Env>,
    style: ErrorStyle,
    resource = config.resources[0]!,
  ): Response | Promise<Response> {
    const error = asOAuthError(thrown);
    const { requestId } = c.get("facts");
    if (error.status >= 500) deps.log.error("request_failed", { request_id: requestId, error: error.cause ?? error });
    else {deps.log.info("request_refused", {
        request_id: requestId,
        error: error.code,
        reason: error.message,
        cause: error.cause,
      });}
    return style(error, c, resource);
  }

  return { fetch: (request, connection) => app.fetch(request, connection) };
}

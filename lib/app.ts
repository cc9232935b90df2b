// THE MAP: every path and its endpoint.
import { appsCallbackEndpoint } from "./authorize/apps_callback_endpoint.ts";
import { appsEndpoint } from "./authorize/apps_endpoint.ts";
import { authorizationEndpoint } from "./authorize/authorization_endpoint.ts";
import { callbackEndpoint } from "./authorize/callback_endpoint.ts";
import { consentEndpoint } from "./authorize/consent_endpoint.ts";
import { registrationEndpoint } from "./clients/registration_endpoint.ts";
import type { Deps } from "./deps.ts";
import { clientMetadataEndpoint } from "./discovery/client_metadata_endpoint.ts";
import { homeEndpoint } from "./discovery/home_endpoint.ts";
import { metadataEndpoint } from "./discovery/metadata_endpoint.ts";
import { sseProbeEndpoint } from "./discovery/sse_probe_endpoint.ts";
import { revocationEndpoint } from "./grants/revocation_endpoint.ts";
import { tokenEndpoint } from "./grants/token_endpoint.ts";
import type { Draining } from "./http/draining.ts";
import { createRouter, type Router } from "./http/router.ts";
import { createScrapeAccess } from "./http/scrape_access.ts";
import { authenticateEndpoint } from "./proxy/authenticate_endpoint.ts";
import { mcpEndpoint } from "./proxy/mcp_endpoint.ts";
import { isReachable } from "./runtime/reachability.ts";
import { healthAnswer, readinessAnswer } from "./telemetry/health.ts";
import { metricsAnswer } from "./telemetry/metrics_answer.ts";
import { jwksAnswer } from "./tokens/jwks_endpoint.ts";
import { appsCallbackPath, appsPath, sseProbePath } from "./urls.ts";

export type App = Pick<Router, "fetch">;

export function createApp(deps: Deps, draining: Pick<Draining, "hasBegun" | "readinessAsked">): App {
  const { config } = deps;
  const { probe, get, page, route, all, always, fetch } = createRouter(deps, draining);
  const mcp = mcpEndpoint(deps);
  const mcpPaths = config.resources.flatMap(({ ownHost }) => ownHost === undefined ? [] : [ownHost.path]);

  // The protected resources, by path and on hosts of their own: every method.
  for (const path of new Set(["/mcp/:name", ...mcpPaths])) {
    if (path !== "/") all(path, mcp);
  }

  // For probes.
  probe("/health", () => healthAnswer("OK"));
  probe("/healthz", () => healthAnswer(""));
  probe("/readyz", () => {
    draining.readinessAsked();
    return readinessAnswer({ draining: draining.hasBegun(), store: deps.store.status() });
  });
  if (config.metrics === undefined) {
    const mayScrape = createScrapeAccess(config);
    probe(
      "/metrics",
      (request, { remoteAddress }) =>
        mayScrape(request, remoteAddress) ? metricsAnswer(deps.metrics, request) : undefined,
    );
  }

  // OAuth: published by path as `/…/mcp/<name>`, and at the root for a host of its own or for the only resource there is.
  const authorize = { GET: authorizationEndpoint(deps), POST: consentEndpoint(deps) };
  const callback = { GET: callbackEndpoint(deps) };
  const token = { POST: tokenEndpoint(deps) };
  const revoke = { POST: revocationEndpoint(deps) };
  const register = { POST: registrationEndpoint(deps) };
  const authenticate = authenticateEndpoint(deps);
  for (const under of ["", "/mcp/:name"]) {
    route(`/authorize${under}`, authorize, { errors: "page", limit: "authorize" });
    for (const path of [`/callback${under}`, `/callback${under}/:provider`]) {
      route(path, callback, { errors: "page", limit: "callback" });
    }
    route(`/token${under}`, token, { errors: "json", limit: "token", cors: true });
    route(`/revoke${under}`, revoke, { errors: "json", limit: "revoke", cors: true });
    if (config.clients.dynamicRegistration) {
      route(`/register${under}`, register, { errors: "json", limit: "register", cors: true });
    }
    // What a reverse proxy asks before it carries the traffic itself.
    always(`/authenticate${under}`, authenticate);
  }
  // Envoy puts a prefix in front of the path that it asks about.
  for (const path of new Set(mcpPaths)) if (path !== "/") always(`/authenticate${path}`, authenticate);

  // Discovery, in every form that clients try: the well-known part before the path, alone, or after it.
  const documents = {
    "oauth-protected-resource": { GET: metadataEndpoint(deps, "protected resource") },
    "oauth-authorization-server": { GET: metadataEndpoint(deps, "authorization server") },
    "openid-configuration": { GET: metadataEndpoint(deps, "openid configuration") },
  };
  for (const [name, document] of Object.entries(documents)) {
    for (const path of [`/.well-known/${name}`, `/.well-known/${name}/mcp/:name`, `/.well-known/${name}/*`]) {
      route(path, document, { errors: "json", cors: true });
    }
    route(`/mcp/:name/.well-known/${name}`, document, { errors: "json", cors: true });
  }
  for (const under of ["", "/mcp/:name"]) {
    route(`/oauth-client${under}`, { GET: clientMetadataEndpoint }, { errors: "json" });
  }
  page(appsPath, appsEndpoint(deps), "authorize");
  page(`${appsCallbackPath}/:provider`, { GET: appsCallbackEndpoint(deps) }, "callback");
  get("/.well-known/jwks.json", () => jwksAnswer(deps.keys));
  get("/openid/v1/jwks", () => jwksAnswer(deps.keys));
  get(sseProbePath, sseProbeEndpoint(deps), { limit: "sse-probe" });

  if (mcpPaths.includes("/")) all("/", mcp);
  else get("/", homeEndpoint(config, { isReachable }), { errors: "page" });
  return { fetch };
}

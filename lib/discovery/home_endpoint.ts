// GET /: what this is, for a person.
import type { Config, StrategyConfig } from "../config/config.ts";
import { pageHeaders } from "../http/response_headers.ts";
import { homePage } from "../pages/home.ts";
import { contentSecurityPolicy } from "../pages/layout.ts";

export function homeEndpoint(config: Config): () => Promise<Response> {
  const servers = config.resources.map((resource) => ({
    name: resource.displayName,
    url: resource.urls.resource,
    signIn: signInOf[resource.strategy.kind],
  }));
  return async () =>
    new Response(await homePage(config.server.publicIndex ? { servers } : {}), {
      headers: pageHeaders(contentSecurityPolicy),
    });
}

const signInOf: Record<StrategyConfig["kind"], string> = {
  passthrough: "You paste an API key once.",
  chained_oauth: "You sign in at the service itself.",
  login: "You sign in with your account.",
};

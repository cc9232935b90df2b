// GET /: what is published here, for a person.
import type { Config, Resource, StrategyConfig } from "../config/config.ts";
import { pageHeaders } from "../http/response_headers.ts";
import { homePage, homeScript, type HomeServer } from "../pages/home.ts";
import { contentSecurityPolicy, contentSecurityPolicyFor } from "../pages/layout.ts";
import { createServerStatus, type ServerStatusTools } from "./server_status.ts";

export function homeEndpoint(config: Config, tools: ServerStatusTools): (request: Request) => Promise<Response> {
  const statusOf = createServerStatus(tools);

  async function describe(resource: Resource): Promise<HomeServer> {
    const up = await statusOf(resource);
    return {
      name: resource.name,
      displayName: resource.displayName,
      url: resource.urls.resource,
      signIn: signInOf[resource.strategy.kind],
      ...(up === undefined ? {} : { up }),
    };
  }

  return async (request) => {
    if (!config.server.publicIndex) {
      return new Response(await homePage({}), { headers: pageHeaders(contentSecurityPolicy) });
    }
    const servers = await Promise.all(config.resources.map(describe));
    const chosen = new URL(request.url).searchParams.get("server");
    const page = await homePage({ servers, ...(chosen === null ? {} : { chosen }) });
    return new Response(page, { headers: pageHeaders(contentSecurityPolicyFor(homeScript)) });
  };
}

const signInOf: Record<StrategyConfig["kind"], string> = {
  passthrough: "You paste an API key once.",
  chained_oauth: "You sign in at the service itself.",
  login: "You sign in with your account.",
};

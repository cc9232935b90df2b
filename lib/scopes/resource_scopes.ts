// Which scopes a resource has: as configured, or as its server names them. What was known stays when the server is away.
import type { LoginConfig, Resource } from "../config/config.ts";
import { credentialHeader } from "../http/credential_header.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ToolScope } from "../oauth/tool_scope.ts";
import type { Log } from "../telemetry/log.ts";
import { fetchToolScopes } from "./fetch_tool_scopes.ts";

export interface ResourceScopes {
  /** What clients may ask for; never fails, because metadata and login go on without the server. */
  supported(resource: Resource): Promise<readonly string[]>;
  /** The scopes that open tools, as far as they are known; never fails, for pages. */
  knownToolScopes(resource: Resource): Promise<readonly ToolScope[]>;
  /**
   * The scopes that open tools; empty when the resource has none, and then nothing is enforced. No promise where they are known.
   *
   * @throws OAuthError `temporarily_unavailable` when nobody has ever been able to say
   */
  toolScopes(resource: Resource): readonly ToolScope[] | Promise<readonly ToolScope[]>;
}

export interface ResourceScopesTools {
  fetch: typeof fetch;
  now: () => number;
  log: Log;
}

/** Seed 2's scope for servers that name none. */
const defaultLoginScope = "mcp-oauth2-proxy";
const freshSeconds = 10;
const timeoutMs = 5_000;

interface Known {
  scopes?: readonly ToolScope[];
  askAgainAt: number;
  asking?: Promise<void>;
}

export function createResourceScopes({ fetch, now, log }: ResourceScopesTools): ResourceScopes {
  const knownByResource = new Map<string, Known>();

  async function ask(resource: Resource, login: LoginConfig, url: string, known: Known): Promise<void> {
    try {
      const found = await fetchToolScopes(new URL(url), credentialOf(resource, login), { fetch, timeoutMs });
      // A server that turns strangers away from now on has not given up its scopes.
      known.scopes = found ?? known.scopes ?? [];
    } catch (error) {
      log.error("tool_scopes_not_discovered", { resource: resource.name, error, kept: known.scopes !== undefined });
    } finally {
      known.askAgainAt = now() + freshSeconds;
      delete known.asking;
    }
  }

  /** One question at a time; whoever has an older answer takes it instead of waiting. */
  async function discovered(resource: Resource, login: LoginConfig): Promise<readonly ToolScope[] | undefined> {
    const url = login.scopesUrl ?? resource.downstreamUrl;
    if (url === undefined) return [];
    let known = knownByResource.get(resource.name);
    if (known === undefined) knownByResource.set(resource.name, known = { askAgainAt: 0 });
    if (known.askAgainAt <= now()) known.asking ??= ask(resource, login, url, known);
    if (known.scopes === undefined) await known.asking;
    return known.scopes;
  }

  /** Without asking anybody; undefined where that is not enough, or not fresh. */
  function atHand({ name, strategy, downstreamUrl }: Resource): readonly ToolScope[] | undefined {
    if (strategy.kind !== "login") return [];
    if (strategy.toolScopes !== undefined) return strategy.toolScopes;
    if (strategy.scopesUrl === undefined && downstreamUrl === undefined) return [];
    const known = knownByResource.get(name);
    return known !== undefined && known.askAgainAt > now() ? known.scopes : undefined;
  }

  async function toolScopes(resource: Resource): Promise<readonly ToolScope[]> {
    const scopes = await find(resource);
    if (scopes !== undefined) return scopes;
    throw new OAuthError(
      "temporarily_unavailable",
      "the MCP server can't be asked which scopes its tools need; try again later",
      { status: 503, retryAfterSeconds: freshSeconds },
    );
  }

  async function find(resource: Resource): Promise<readonly ToolScope[] | undefined> {
    const { strategy } = resource;
    if (strategy.kind !== "login") return [];
    return strategy.toolScopes ?? await discovered(resource, strategy);
  }

  return {
    async supported(resource) {
      const toolScopes = await find(resource) ?? [];
      if (toolScopes.length > 0) return toolScopes.map(({ name }) => name);
      if (resource.scopes.length > 0 || resource.strategy.kind !== "login") return resource.scopes;
      return [defaultLoginScope];
    },
    knownToolScopes: async (resource) => await find(resource) ?? [],
    toolScopes: (resource) => atHand(resource) ?? toolScopes(resource),
  };
}

function credentialOf(resource: Resource, login: LoginConfig): Record<string, string> {
  return login.credential === undefined
    ? {}
    : Object.fromEntries([credentialHeader(resource.authHeaderFormat, login.credential.reveal())]);
}

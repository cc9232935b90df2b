// The provider of a downstream that is itself an OAuth-protected MCP server: found out at the first login, kept for an hour,
// found out anew when it refuses us.
import { secret } from "../config/secrets.ts";
import type { ChainedOAuthConfig, Resource } from "../config/config.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { ProviderRegistration } from "../oauth/grant.ts";
import type { Store } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";
import { type DiscoveredProvider, discoverProvider, type DownstreamDiscoveryTools } from "./discover_provider.ts";
import { type ProviderClient, refreshTokens } from "./oauth_client.ts";
import { ProviderUnreachableError } from "./provider_fetch.ts";
import type { ProviderSource } from "./provider_source.ts";
import { type ClientIdentity, hasUsableDocument, registerDynamically } from "./register_with_provider.ts";
import { rememberedRegistrations } from "./remembered_registrations.ts";
import { selectScope } from "./scope_selection.ts";
import { fetchServerMetadata, type ServerMetadata } from "./server_metadata.ts";

export interface DiscoveredProviderTools extends DownstreamDiscoveryTools {
  store: Store;
  sealer: Sealer;
  log: Log;
  now: () => number;
}

const keptSeconds = 3600;
/** The MCP server says who its provider is, and may say another one each time. */
const maxIssuers = 50;

export function discoveredProvider(
  resource: Resource,
  config: ChainedOAuthConfig,
  tools: DiscoveredProviderTools,
): ProviderSource {
  const { log, fetch } = tools;
  const registrations = rememberedRegistrations(resource, tools);
  const discover = keptFor(keptSeconds, tools.now, () => discoverProvider(tools, downstreamUrlOf(resource)));
  const servers = new Map<string, Kept<ServerMetadata>>();
  /** Issuers whose last login has not come back: did the browser end at "unknown client"? */
  const unanswered = new Set<string>();
  /** Issuers that did not take our metadata document. */
  const documentRefused = new Set<string>();

  let doubted = false;

  async function identify(server: ServerMetadata): Promise<ClientIdentity> {
    if (hasUsableDocument(resource, server) && !documentRefused.has(server.issuer)) {
      return { clientId: resource.urls.clientMetadata, method: "none" };
    }
    const remembered = await registrations.recall(server.issuer);
    if (remembered !== undefined) return remembered;
    const identity = await registerDynamically(fetch, server, resource);
    await registrations.remember(server.issuer, identity, tools.now());
    log.info("registered_with_provider", { resource: resource.name, issuer: server.issuer, method: identity.method });
    return identity;
  }

  /** A provider that forgot us tells the user and not us, so after a login that never came back it is asked beforehand. */
  async function identifySafely({ server, resource: audience }: DiscoveredProvider, now: number) {
    const identity = await identify(server);
    if (!unanswered.has(server.issuer)) return identity;
    unanswered.delete(server.issuer);
    const registration = registrationOf(identity, server.issuer, audience);
    const answer = await refreshTokens({ fetch, now }, clientOf(server, registration, config), "not-a-refresh-token");
    if (answer.kind !== "refused" || answer.error !== "invalid_client") return identity;
    await forget(registration);
    return await identify(server);
  }

  async function forget({ issuer, clientId }: ProviderRegistration): Promise<boolean> {
    log.warning("provider_forgot_us", { resource: resource.name, issuer });
    discover.forget();
    servers.delete(issuer);
    if (clientId === resource.urls.clientMetadata) {
      documentRefused.add(issuer);
      dropEldest(documentRefused);
      return false;
    }
    // Another login may have registered us anew meanwhile.
    if ((await registrations.recall(issuer))?.clientId === clientId) await registrations.forget(issuer);
    return true;
  }

  function serverAt(issuer: string): Promise<ServerMetadata> {
    let kept = servers.get(issuer);
    if (kept === undefined) {
      servers.set(issuer, kept = keepServer(issuer));
      dropEldest(servers);
    }
    return kept();
  }

  function keepServer(issuer: string, known?: ServerMetadata): Kept<ServerMetadata> {
    return keptFor(keptSeconds, tools.now, () => fetchServerMetadata(tools, issuer), known);
  }

  return {
    discovered: true,

    find: (now) =>
      explained(async () => {
        const found = await discover();
        const { server } = found;
        if (!servers.has(server.issuer)) servers.set(server.issuer, keepServer(server.issuer, server));
        dropEldest(servers);
        const registration = registrationOf(await identifySafely(found, now), server.issuer, found.resource);
        unanswered.add(server.issuer);
        dropEldest(unanswered);
        const sources = { ...found, configured: config.providerScopes, offered: server.scopesSupported };
        return {
          provider: clientOf(server, registration, config),
          registration,
          scopeFor: (requested) =>
            selectScope(
              { ...sources, challenged: found.challengedScope, advertised: found.advertisedScope },
              requested,
            ),
        };
      }),

    recall: (registration, _now) =>
      explained(async () => {
        if (registration === undefined) throw new TypeError("a discovered provider always has a registration");
        return clientOf(await serverAt(registration.issuer), registration, config);
      }),

    recognised(registration) {
      if (registration !== undefined) unanswered.delete(registration.issuer);
    },

    doubt() {
      doubted = true;
      discover.forget();
    },

    async hasMoved(registration) {
      if (!doubted || registration === undefined) return false;
      try {
        const { server } = await discover();
        doubted = false;
        return server.issuer !== registration.issuer;
      } catch (error) {
        log.warning("provider_not_discovered", { resource: resource.name, error });
        return false; // nobody can say: then nothing has changed
      }
    },

    refused: async (registration) => registration !== undefined && await forget(registration),
  };

  async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      log.error("provider_not_discovered", { resource: resource.name, error });
      if (error instanceof ProviderUnreachableError) {
        throw new OAuthError(
          "temporarily_unavailable",
          "the provider of this MCP server does not answer; try again later",
          {
            cause: error,
            retryAfterSeconds: 5,
          },
        );
      }
      throw new OAuthError(
        "server_error",
        "the sign-in of this MCP server can't be used; the operator's log says why",
        {
          cause: error,
        },
      );
    }
  }
}

function clientOf(
  server: ServerMetadata,
  { clientId, clientSecret, method, resource }: ProviderRegistration,
  { tokenAccept }: ChainedOAuthConfig,
): ProviderClient {
  return {
    issuer: server.issuer,
    authorizeUrl: server.authorizeUrl,
    tokenUrl: server.tokenUrl,
    ...(server.revocationUrl === undefined ? {} : { revocationUrl: server.revocationUrl }),
    sendsIssuer: server.sendsIssuer,
    clientId,
    authentication: method === "none" || clientSecret === undefined
      ? { method: "none" }
      : { method, secret: secret(clientSecret) },
    pkce: true,
    resource,
    tokenAccept,
  };
}

function registrationOf(identity: ClientIdentity, issuer: string, resource: string): ProviderRegistration {
  const { clientId, clientSecret, method } = identity;
  return { issuer, resource, clientId, method, ...(clientSecret === undefined ? {} : { clientSecret }) };
}

/** @throws TypeError: validate.ts wants a downstream_url where there are no oauth_* keys */
function downstreamUrlOf({ name, downstreamUrl }: Resource): string {
  if (downstreamUrl === undefined) throw new TypeError(`downstream.${name} has no downstream_url to discover from`);
  return downstreamUrl;
}

/** What is dropped is asked or learned anew. */
function dropEldest(known: Set<string> | Map<string, unknown>): void {
  if (known.size > maxIssuers) known.delete(known.keys().next().value!);
}

interface Kept<Value> {
  (): Promise<Value>;
  forget(): void;
}

/** The value of `make`, made once at a time and kept for a while; a failure is not kept, and an old value serves while it fails. */
function keptFor<Value>(seconds: number, now: () => number, make: () => Promise<Value>, known?: Value): Kept<Value> {
  let kept: { value: Value; until: number } | undefined = known && { value: known, until: now() + seconds };
  let running: Promise<Value> | undefined;

  async function renew(): Promise<Value> {
    try {
      const value = await make();
      kept = { value, until: now() + seconds };
      return value;
    } catch (error) {
      if (kept === undefined || !(error instanceof ProviderUnreachableError)) throw error;
      return kept.value;
    } finally {
      running = undefined;
    }
  }

  return Object.assign(
    () => kept !== undefined && kept.until > now() ? Promise.resolve(kept.value) : running ??= renew(),
    { forget: () => void (kept = undefined) },
  );
}

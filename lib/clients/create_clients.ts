// All clients of one configuration, wherever they come from.
import type { ClientsConfig } from "../config/config.ts";
import type { SafeFetch } from "../http/safe_fetch.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Sealer } from "../tokens/seal.ts";
import { createClientIdMetadataDocuments, isClientIdUrl } from "./client_id_metadata_document.ts";
import { createClientKeys } from "./client_keys.ts";
import type { Clients } from "./client.ts";
import { createDynamicRegistration } from "./dynamic_registration.ts";
import { preRegisteredClient } from "./pre_registered.ts";
import { createRedirectPolicy } from "./redirect_policy.ts";

export interface ClientsTools {
  config: ClientsConfig;
  sealer: Sealer;
  safeFetch: SafeFetch;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

/** Looks a client_id up as pre-registered, then as the URL of a metadata document, then as one that we issued. */
export function createClients({ config, ...tools }: ClientsTools): Clients {
  const preRegistered = new Map(config.preRegistered.map((client) => [client.clientId, preRegisteredClient(client)]));
  const policy = createRedirectPolicy(config.redirects);
  const allowLoopbackHttp = config.allowLoopbackMetadata;
  const findByUrl = createClientIdMetadataDocuments({ ...tools, policy, allowLoopbackHttp });
  const dynamic = createDynamicRegistration({ ...tools, policy });

  return {
    async find(clientId) {
      const client = preRegistered.get(clientId);
      if (client !== undefined) return client;
      if (isClientIdUrl(clientId)) {
        if (!config.clientIdMetadataDocuments) throw switchedOff("metadata documents", "client_id_metadata_documents");
        return findByUrl(clientId);
      }
      const registered = config.dynamicRegistration ? dynamic.find(clientId) : undefined;
      if (registered === undefined) throw unknownClient(clientId, config);
      return registered;
    },
    async register(metadata) {
      if (!config.dynamicRegistration) throw switchedOff("dynamic registration", "dynamic_registration", 403);
      return dynamic.register(metadata);
    },
    keysOf: createClientKeys({ ...tools, allowLoopbackHttp }),
  };
}

function switchedOff(what: string, key: string, status?: number): OAuthError {
  return new OAuthError("invalid_client", `${what} of clients are switched off on this server`, {
    status,
    operatorHint: `[clients]\n${key} = true`,
  });
}

/** Clients keep an id for ever, so the usual cause is one that another server, or this one with another state_secret, issued. */
function unknownClient(clientId: string, config: ClientsConfig): OAuthError {
  if (!config.dynamicRegistration) {
    const table = /^[\w-]{1,64}$/.test(clientId) ? clientId : "my-client";
    return new OAuthError(
      "invalid_client",
      "this client_id is not known here; ask the operator to register the client",
      {
        operatorHint: `[client.${table}]\nredirect_uris = ["https://…"]`,
      },
    );
  }
  return new OAuthError(
    "invalid_client",
    "this client_id is not known here; register again (in the MCP client: remove the server and add it again)",
  );
}

// Clients that the operator wrote down: `[client.*]`.
import type { ClientConfig } from "../config/config.ts";
import type { Client, ClientAuthentication } from "./client.ts";

/** The client of one table. Its redirect URIs are the operator's own words, so `clients.redirects` has no say in them. */
export function preRegisteredClient(config: ClientConfig): Client {
  return {
    clientId: config.clientId,
    name: config.name,
    redirectUris: config.redirectUris,
    refusedRedirects: [],
    source: "pre_registered",
    trusted: config.trusted,
    authentication: authenticationOf(config),
  };
}

/** A secret may come in either of its two ways; `client_authentication.ts` takes both. */
function authenticationOf({ clientSecret, jwks, jwksUri }: ClientConfig): ClientAuthentication {
  if (clientSecret !== undefined) return { method: "client_secret_basic", secret: clientSecret };
  if (jwks !== undefined || jwksUri !== undefined) return { method: "private_key_jwt", jwks, jwksUri };
  return { method: "none" };
}

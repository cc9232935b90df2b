// The part of /authorize that must hold before the redirect URI may be used for anything.
import type { Client, Clients } from "../clients/client.ts";
import { checkRequestedRedirectUri } from "../clients/requested_redirect_uri.ts";
import { type Parameters, requireParameter } from "../oauth/parameters.ts";

/**
 * The client, once its redirect URI is known to be its own.
 *
 * @throws OAuthError for the error page; never to be sent to the redirect URI (RFC 6749 §4.1.2.1)
 */
export async function findRedirectableClient(clients: Clients, parameters: Parameters): Promise<Client> {
  const client = await clients.find(requireParameter(parameters, "client_id"));
  checkRequestedRedirectUri(client, requireParameter(parameters, "redirect_uri"));
  return client;
}

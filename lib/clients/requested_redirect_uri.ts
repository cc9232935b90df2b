// The last check before a browser may be sent anywhere: is it one of the client's own (RFC 9700 §4.1.3)?
import { OAuthError } from "../oauth/errors.ts";
import { isRegisteredRedirectUri, parseRedirectUri } from "../oauth/redirect_uri.ts";
import type { Client } from "./client.ts";
import { printMissing } from "./redirect_policy.ts";

/**
 * Checks the `redirect_uri` of an authorization request against what the client registered and the operator allows.
 *
 * @throws OAuthError `invalid_request` for the error page, with what the operator could write; never to be sent to that URI
 */
export function checkRequestedRedirectUri(client: Client, redirectUri: string): void {
  if (isRegisteredRedirectUri(redirectUri, client.redirectUris)) return;
  const refused = client.refusedRedirects.find(({ uri }) => isRegisteredRedirectUri(redirectUri, [uri]));
  if (refused !== undefined) {
    throw new OAuthError("invalid_request", `redirect_uri ${printUri(redirectUri)} ${refused.reason}`, {
      operatorHint: refused.operatorHint,
    });
  }
  throw new OAuthError(
    "invalid_request",
    `redirect_uri ${printUri(redirectUri)} is not one that the client ${JSON.stringify(client.name)} registered`,
    client.source === "pre_registered" && parseRedirectUri(redirectUri) !== undefined
      ? { operatorHint: preRegisteredLine(client, redirectUri) }
      : {},
  );
}

/**
 * A URI that a stranger wrote, fit for an error text, which is also logged: printable ASCII, not too long, and without what may
 * hold a secret (query, fragment, user information).
 */
export function printUri(uri: string): string {
  const open = uri.replace(/(?<=[?#]).*/s, "...").replace(/(?<=\/\/)[^/?#]*@/, "...@");
  return JSON.stringify(open.slice(0, 200).replace(/[^\x20-\x7E]/g, "?"));
}

function preRegisteredLine({ clientId, redirectUris }: Client, redirectUri: string): string {
  const table = /^[\w-]+$/.test(clientId) ? clientId : JSON.stringify(clientId);
  return `[client.${table}]\nredirect_uris = ${printMissing(redirectUris, redirectUri)}`;
}

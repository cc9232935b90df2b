// What goes to the downstream in place of the client's token.
import type { Resource } from "../config/config.ts";
import { credentialHeader } from "../http/credential_header.ts";
import type { Authenticated } from "./bearer_authentication.ts";

/** Header name and value: the user's own credential, the configured one of a login, or the login's JWT itself. */
export function downstreamCredential(
  resource: Resource,
  { token, access }: Authenticated,
): [string, string] | undefined {
  const { strategy } = resource;
  if (access.credential !== undefined) return credentialHeader(resource.authHeaderFormat, access.credential);
  if (strategy.kind !== "login") return undefined;
  return strategy.credential === undefined
    ? credentialHeader("Bearer", token)
    : credentialHeader(resource.authHeaderFormat, strategy.credential.reveal());
}

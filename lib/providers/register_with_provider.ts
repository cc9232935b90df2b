// Who we are at a discovered provider: our own Client ID Metadata Document where it reads such documents, else dynamic
// registration (MCP client registration, 2026-07-28).
import { allowInsecureRequests, customFetch, dynamicClientRegistrationRequest } from "oauth4webapi";
import type { Resource } from "../config/config.ts";
import type { ProviderRegistration } from "../oauth/grant.ts";
import { isLocalAddress, type ProviderFetch } from "./provider_fetch.ts";
import { DiscoveryError, type ServerMetadata } from "./server_metadata.ts";

export type ClientIdentity = Pick<ProviderRegistration, "clientId" | "clientSecret" | "method"> & {
  /** Of the secret, seconds since the epoch; absent when it does not expire. */
  expiresAt?: number;
};

/** Characters of a client_id, and of a secret: they are kept for a year, and travel in each refresh token. */
const maxIdentityLength = 4_096;

/** Best first; RFC 8414 §2 has `client_secret_basic` where nothing is said. */
const methods = ["client_secret_basic", "client_secret_post", "none"] as const;

/** True when the provider can and may fetch our metadata document: over https, from an address that it can reach. */
export function hasUsableDocument({ urls }: Resource, server: ServerMetadata): boolean {
  const reachable = urls.clientMetadata.startsWith("https:") && !isLocalAddress(new URL(urls.clientMetadata));
  // A document makes a public client; a provider that takes none would refuse it at the token endpoint.
  const takesPublicClients = server.authenticationMethods?.includes("none") ?? true;
  return reachable && server.readsMetadataDocuments && (takesPublicClients || server.registrationUrl === undefined);
}

/**
 * Registers (RFC 7591 §3.1).
 *
 * @throws DiscoveryError when the provider has no endpoint for it, refuses, or gives what we can't use; ProviderUnreachableError
 */
export async function registerDynamically(
  fetch: ProviderFetch,
  server: ServerMetadata,
  resource: Resource,
): Promise<ClientIdentity> {
  const { issuer, registrationUrl } = server;
  if (registrationUrl === undefined) {
    throw new DiscoveryError(
      `${issuer} takes no clients by itself; register one there by hand (redirect URI ${resource.urls.callback}) and write the ` +
        `oauth_* keys of downstream.${resource.name}`,
    );
  }
  const answer = await dynamicClientRegistrationRequest(
    { issuer, registration_endpoint: registrationUrl },
    clientMetadataOf(resource, server),
    {
      [allowInsecureRequests]: true,
      [customFetch]: async (url: string, { headers, body }: { headers: Record<string, string>; body: BodyInit }) => {
        const { status, body: text } = await fetch(new URL(url), { method: "POST", headers, body: String(body) });
        return new Response(status === 204 ? null : text, { status });
      },
    },
  );
  return readIdentity(answer.status, await answer.text(), issuer);
}

function clientMetadataOf({ urls, displayName }: Resource, { authenticationMethods }: ServerMetadata) {
  const taken = authenticationMethods ?? ["client_secret_basic"];
  const method = methods.find((method) => taken.includes(method));
  if (method === undefined) throw new DiscoveryError(`of ${taken.join(", ")} we can do none at a token endpoint`);
  return {
    client_name: `mcp-oauth-proxy for ${displayName}`,
    redirect_uris: [urls.callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: method,
    // OpenID Connect Registration §2: http and loopback redirect URIs are for native clients.
    application_type: urls.callback.startsWith("https:") ? "web" : "native",
  };
}

/** 201 by the book (RFC 7591 §3.2.1), 200 by some. What the provider registered counts, not what we asked for. */
function readIdentity(status: number, body: string, issuer: string): ClientIdentity {
  const message = parseObject(body);
  if ((status !== 201 && status !== 200) || typeof message.client_id !== "string" || message.client_id === "") {
    const error = typeof message.error === "string" && /^\w{1,64}$/.test(message.error) ? ` ${message.error}` : "";
    throw new DiscoveryError(`${issuer} refused our registration (${status}${error})`);
  }
  const clientSecret = typeof message.client_secret === "string" && message.client_secret !== ""
    ? message.client_secret
    : undefined;
  if (message.client_id.length > maxIdentityLength || (clientSecret?.length ?? 0) > maxIdentityLength) {
    throw new DiscoveryError(`${issuer} registered us with more than ${maxIdentityLength} characters`);
  }
  const named = message.token_endpoint_auth_method ?? (clientSecret === undefined ? "none" : "client_secret_basic");
  const method = methods.find((method) => method === named);
  if (method === undefined || (method !== "none" && clientSecret === undefined)) {
    throw new DiscoveryError(`${issuer} registered us with an authentication that we can't do`);
  }
  const expiresAt = message.client_secret_expires_at;
  return {
    clientId: message.client_id,
    method,
    ...(method === "none" ? {} : { clientSecret: clientSecret! }),
    ...(method !== "none" && typeof expiresAt === "number" && expiresAt > 0 ? { expiresAt } : {}),
  };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {}; // told to the operator by the status
  }
}

// Our own Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document §4): who we are at the provider of a
// downstream that is itself an OAuth-protected MCP server.
import type { Resource } from "../config/config.ts";

/** `client_id` is the URL that the document is served at; we are a public client there, protected by PKCE. */
export function clientMetadataDocument({ urls, displayName }: Resource): Record<string, unknown> {
  return {
    client_id: urls.clientMetadata,
    client_name: `mcp-oauth-proxy for ${displayName}`,
    client_uri: new URL(urls.issuer).origin,
    redirect_uris: [urls.callback],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "web",
  };
}

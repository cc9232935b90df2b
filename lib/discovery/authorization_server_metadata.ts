// RFC 8414 §2, with the OpenID Connect Discovery fields that MCP clients look for. It names only what exists.
import type { Config, Resource } from "../config/config.ts";
import { acceptedSignatures } from "../oauth/signature_algorithms.ts";

/** What the documents are made of. */
export interface Described {
  resource: Resource;
  /** What clients may ask for. */
  scopes: readonly string[];
  config: Config;
}

/** The authorization server of one resource. */
export function authorizationServerMetadata({ resource, scopes, config }: Described): Record<string, unknown> {
  const { urls } = resource;
  return {
    issuer: urls.issuer,
    authorization_endpoint: urls.authorize,
    token_endpoint: urls.token,
    ...(config.clients.dynamicRegistration ? { registration_endpoint: urls.register } : {}),
    revocation_endpoint: urls.revoke,
    scopes_supported: scopes.length === 0 ? undefined : scopes,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    token_endpoint_auth_methods_supported: authenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: acceptedSignatures,
    revocation_endpoint_auth_methods_supported: authenticationMethods,
    revocation_endpoint_auth_signing_alg_values_supported: acceptedSignatures,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: config.clients.clientIdMetadataDocuments,
    protected_resources: [urls.resource],
  };
}

/** OpenID Connect Discovery 1.0 §3 wants these besides; we are no OpenID provider for the client and issue no ID token. */
export function openidConfiguration(described: Described): Record<string, unknown> {
  return {
    ...authorizationServerMetadata(described),
    jwks_uri: described.resource.urls.jwks,
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  };
}

const authenticationMethods = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

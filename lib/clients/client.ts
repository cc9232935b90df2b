// Who is asking for tokens (RFC 6749 §2), wherever we know them from.
import type { JSONWebKeySet } from "jose";
import type { Secret } from "../config/secrets.ts";

/** How a client proves at the token endpoint that it is itself (RFC 7591 §2 `token_endpoint_auth_method`). */
export type ClientAuthentication =
  | { method: "none" }
  | { method: "client_secret_basic" | "client_secret_post"; secret: Secret }
  /**
   * Inline JWK Set as JSON text, or where it is. `orNone`: the client says that it also comes without an assertion
   * (`token_endpoint_auth_methods_supported` with both, as ChatGPT's document has it).
   */
  | { method: "private_key_jwt"; jwks?: string; jwksUri?: string; orNone?: boolean };

/** A redirect URI that the client registered and the operator's policy does not allow. */
export interface RefusedRedirect {
  uri: string;
  /** What is wrong with it, in words that end a sentence. */
  reason: string;
  /** The line of configuration that would allow it; absent where none could. */
  operatorHint?: string;
}

export interface Client {
  clientId: string;
  /** For people; chosen by the client, so never trusted. */
  name: string;
  /** Checked against the operator's policy; matched exactly (loopback: any port). */
  redirectUris: readonly string[];
  /** Registered, but not allowed now: never redirected to, kept to say why. */
  refusedRedirects: readonly RefusedRedirect[];
  /** `[client.*]`, a Client ID Metadata Document, or dynamic registration. */
  source: "pre_registered" | "metadata_document" | "dynamic";
  /** The host that serves the metadata document: the one thing about a CIMD client that is verified. */
  verifiedHost?: string;
  /** Skips the consent page; pre-registered clients only. */
  trusted: boolean;
  authentication: ClientAuthentication;
}

/** The clients of one configuration. */
export interface Clients {
  /**
   * Resolves in the order pre-registered, CIMD, dynamic.
   *
   * @throws OAuthError `invalid_client` when nobody by that id is known, with what to do about it
   */
  find(clientId: string): Promise<Client>;
  /**
   * RFC 7591 §3: metadata in, the client information response out. Idempotent; nothing is stored.
   *
   * @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri`
   */
  register(metadata: unknown): Promise<Record<string, unknown>>;
  /**
   * The public keys of a `private_key_jwt` client. `refresh` asks its jwks_uri again, at most every 30 seconds, because a
   * client signs with a new key before our copy is stale.
   *
   * @throws OAuthError `invalid_client` when it has no usable keys, `temporarily_unavailable` when they can't be had right now
   */
  keysOf(client: Client, options?: { refresh?: boolean }): Promise<JSONWebKeySet>;
}

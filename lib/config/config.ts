// The checked configuration: what config.toml becomes. Defaults and rules live in validate.ts.
import type { ToolScope } from "../oauth/tool_scope.ts";
import type { ResourceUrls } from "../urls.ts";
import type { Secret } from "./secrets.ts";

export interface Config {
  server: ServerConfig;
  tokens: TokensConfig;
  store: { url: Secret };
  clients: ClientsConfig;
  providers: ReadonlyMap<string, ProviderConfig>;
  /** In the order of the file; at least one. */
  resources: readonly Resource[];
  rateLimit: RateLimitConfig;
  log: { level: LogLevel; format: "json" | "text" };
  /** Absent: /metrics on the main listener, for loopback and trusted_proxies only. */
  metrics?: { host: string; port: number };
  /** Sentences for the operator: legal, but worth knowing (an http public_url, raw_access_tokens, …). */
  warnings: readonly string[];
}

export type LogLevel = "fatal" | "error" | "warning" | "info" | "debug" | "trace";

export interface ServerConfig {
  host: string;
  port: number;
  /** Origin, plus a path when it has one; no trailing slash. */
  publicUrl: string;
  /** 32 bytes or more; seals everything new. */
  stateSecret: Secret;
  /** Opened, never used to seal. */
  previousStateSecrets: readonly Secret[];
  /** Of what these sealed, only client_ids are still opened. */
  retiredStateSecrets: readonly Secret[];
  authCodeTtlSeconds: number;
  loginTtlSeconds: number;
  /** CIDRs whose Forwarded and X-Forwarded-* count. */
  trustedProxies: readonly string[];
  /** Browser origins for /mcp besides our own. */
  allowedOrigins: readonly string[];
  bodyLimitBytes: number;
  connectTimeoutSeconds: number;
  idleTimeoutSeconds: number;
  /** 0 = off. */
  sseKeepaliveSeconds: number;
  shutdownGraceSeconds: number;
  /** Whether `GET /` lists the resources. */
  publicIndex: boolean;
}

export interface TokensConfig {
  accessTokenTtlSeconds: number;
  refreshTokenTtlSeconds: number;
  refreshGraceSeconds: number;
  signingKeyRotationSeconds: number;
  /** PEM of a fixed RSA, EC P-256 or Ed25519 key instead of the derived ones. */
  privateKey?: Secret;
}

export interface ClientsConfig {
  clientIdMetadataDocuments: boolean;
  dynamicRegistration: boolean;
  /** Preset names, `loopback`, `https`, or exact URIs, as written. */
  redirects: readonly string[];
  allowLoopbackMetadata: boolean;
  /** Pre-registered: `[client.*]`. */
  preRegistered: readonly ClientConfig[];
}

export interface ClientConfig {
  clientId: string;
  name: string;
  redirectUris: readonly string[];
  clientSecret?: Secret;
  /** Inline JWK Set as JSON text, for private_key_jwt. */
  jwks?: string;
  jwksUri?: string;
  /** Skips the consent page. */
  trusted: boolean;
}

export interface RateLimitConfig {
  /** Requests a minute; 0 = off. */
  perAddress: number;
  perClient: number;
}

export interface ProviderConfig {
  name: string;
  kind: "google" | "github" | "entra" | "oidc";
  displayName: string;
  clientId: string;
  clientSecret: Secret;
  /** oidc; google and entra: another than the usual, for sovereign clouds and tests. */
  issuer?: string;
  /** google, oidc: revoke the refresh token there when an access ends. */
  revokeAtProvider?: boolean;
  /** entra. */
  tenant?: string;
  /** github: only members of this organization; their teams become groups. */
  organization?: string;
  /** github: PEM of the App key. */
  appPrivateKey?: Secret;
  /** google: JSON of credentials for the service account that may read Workspace groups. */
  serviceAccountFile?: Secret;
  /** google: `metadata`, or the address of the account to sign for. */
  serviceAccount?: string;
  /** google: whom the service account acts for when it reads groups; absent: the user who signs in. */
  adminEmail?: string;
  /** github: of GitHub Enterprise; google and entra: of the Directory or Graph API, for sovereign clouds and tests. */
  apiUrl?: string;
  /** oidc: asked for instead of what the provider offers. */
  scopes?: readonly string[];
}

/** One MCP server as we publish it. */
export interface Resource {
  /** The table's name: `[a-z0-9-]+`. */
  name: string;
  displayName: string;
  urls: ResourceUrls;
  /** Set when published on a host of its own: host (with a port if one was given) and path. */
  ownHost?: { host: string; path: string };
  /** Absent: a reverse proxy carries the traffic and asks /authenticate. */
  downstreamUrl?: string;
  /** `Bearer`, `token`, `Basic`: a scheme of Authorization. Anything else: the header that carries the bare value. */
  authHeaderFormat: string;
  /** Advertised and shown. */
  scopes: readonly string[];
  /** D8: hands out the credential itself, as seed 1 did. */
  rawAccessTokens: boolean;
  /** /authenticate hands the credential to the trusted proxies. Absent: it says who may, and hands it to nobody. */
  forwardAuth?: boolean;
  strategy: StrategyConfig;
}

export type StrategyConfig = PassthroughConfig | ChainedOAuthConfig | LoginConfig;

export interface PassthroughConfig {
  kind: "passthrough";
  authHint?: string;
  /** Asked with the pasted key before a code is issued; 401 and 403 show the form again. */
  verifyUrl?: string;
}

export interface ChainedOAuthConfig {
  kind: "chained_oauth";
  /** Absent: discovered from the downstream (RFC 9728, RFC 8414), where we register ourselves. */
  provider?: {
    authorizeUrl: string;
    tokenUrl: string;
    clientId: string;
    clientSecret?: Secret;
    revocationUrl?: string;
    pkce: boolean;
  };
  /** Asked of the provider. */
  providerScopes: readonly string[];
  supportsRefresh: boolean;
  /** Accept header towards the token URL. */
  tokenAccept: string;
}

export interface LoginConfig {
  kind: "login";
  /** Names of `[provider.*]`; a page offers the choice where there is more than one. */
  providers: readonly string[];
  allowEveryone: boolean;
  allowedUsers: readonly string[];
  allowedEmailDomains: readonly string[];
  allowedGroups: readonly string[];
  subject: "id" | "username";
  /** Sent downstream instead of our JWT. */
  credential?: Secret;
  /** X-Auth-Request-* to the downstream. */
  identityHeaders: boolean;
  /** Absent: discovered from the server's tools/list `_meta.scopes`. */
  toolScopes?: readonly ToolScope[];
  /** MCP server to discover tool scopes from where we do not forward. */
  scopesUrl?: string;
}

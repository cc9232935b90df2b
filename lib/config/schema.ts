// Every key of config.toml with its type, default, limits and a sentence: checking, docs and "did you mean" come from here.
import { checkCidr, checkOrigin } from "./address_rules.ts";
import { clientKeys, clientsKeys } from "./clients_schema.ts";
import { downstreamKeys, toolScopeKeys } from "./downstream_schema.ts";
import type { Keys, Section } from "./key.ts";
import { providerKeys } from "./provider_schema.ts";
import { checkPublicUrl } from "./url_rules.ts";

const day = 86_400;
const year = 365 * day;

export const serverKeys = {
  host: { kind: "string", default: "0.0.0.0", doc: "Address to listen on. `--host` beats it." },
  port: {
    kind: "integer",
    default: 8080,
    min: 0,
    max: 65535,
    doc: "Port to listen on; 0 takes any free one. `--port` beats it.",
  },
  public_url: {
    kind: "string",
    required: true,
    check: checkPublicUrl,
    example: '"https://mcp.example.com"',
    doc:
      "The URL under which clients reach the proxy: https, or http with a warning (silently on loopback). No trailing slash.",
  },
  state_secret: {
    kind: "secret",
    required: true,
    example: '"env:STATE_SECRET"',
    doc:
      "Base64 of 32 random bytes or more (`mcp-oauth-proxy secret` prints one). Everything handed out is sealed with it. " +
      "`MCP_PROXY_STATE_SECRET` beats it.",
  },
  previous_state_secrets: {
    kind: "secrets",
    doc:
      "State secrets of before: what they sealed is still opened, nothing new is sealed with them. Rotates without logging anyone out.",
  },
  retired_state_secrets: {
    kind: "secrets",
    doc:
      "State secrets of long ago, or that leaked: of what they sealed only the client_ids of registered clients are still known. " +
      "Without them these clients have to register again, which many only do when a person removes and adds the server.",
  },
  auth_code_ttl: {
    kind: "integer",
    default: 300,
    min: 1,
    max: 3600,
    unit: "seconds",
    doc: "How long an authorization code is good.",
  },
  login_ttl: {
    kind: "integer",
    default: 600,
    min: 30,
    max: day,
    unit: "seconds",
    doc: "From /authorize to the end of the provider's answer.",
  },
  trusted_proxies: {
    kind: "strings",
    check: checkCidr,
    example: '["10.0.0.0/8"]',
    doc: "Addresses or CIDRs of reverse proxies whose `Forwarded` and `X-Forwarded-*` headers count.",
  },
  allowed_origins: {
    kind: "strings",
    check: checkOrigin,
    example: '["https://app.example.com"]',
    doc: "Browser origins that may call /mcp, besides our own (and loopback when `public_url` is loopback).",
  },
  body_limit: {
    kind: "integer",
    default: 10_485_760,
    min: 1024,
    max: 2 ** 40,
    unit: "bytes",
    doc: "Larger requests to /mcp get 413.",
  },
  connect_timeout: {
    kind: "integer",
    default: 10,
    min: 1,
    max: 600,
    unit: "seconds",
    doc: "To reach a downstream.",
  },
  idle_timeout: {
    kind: "integer",
    default: 600,
    min: 1,
    max: day,
    unit: "seconds",
    doc: "Without a byte on an answer that is no event stream. Live SSE streams have no limit.",
  },
  sse_keepalive: {
    kind: "integer",
    default: 20,
    min: 0,
    max: 3600,
    unit: "seconds",
    doc:
      "Between comments on a quiet SSE stream, so that nothing on the way cuts it; 0 = only one at its start, where nothing comes within half a second.",
  },
  shutdown_grace: {
    kind: "integer",
    default: 10,
    min: 0,
    max: 3600,
    unit: "seconds",
    doc: "For open requests to finish after SIGTERM.",
  },
  public_index: { kind: "boolean", default: true, doc: "Whether the page at `/` lists the MCP servers." },
} as const satisfies Keys;

export const tokensKeys = {
  access_token_ttl: {
    kind: "integer",
    default: 3600,
    min: 1,
    max: year,
    unit: "seconds",
    doc: "How long an access token is good; never beyond the provider's own expiry.",
  },
  refresh_token_ttl: {
    kind: "integer",
    default: 30 * day,
    min: 1,
    max: 10 * year,
    unit: "seconds",
    doc:
      "How long a refresh token is good; each use starts it anew. A shorter one counts for what was handed out before, too.",
  },
  refresh_grace: {
    kind: "integer",
    default: 60,
    min: 0,
    max: 3600,
    unit: "seconds",
    doc: "In which a repeated refresh gets the same answer (lost responses, parallel calls).",
  },
  signing_key_rotation: {
    kind: "integer",
    default: day,
    min: 60,
    max: year,
    unit: "seconds",
    doc: "How long each derived ES256 key signs.",
  },
  private_key_file: {
    kind: "secret file",
    example: '"jwt.pem"',
    doc: "PEM of a fixed RSA, EC P-256 or Ed25519 key to sign with, instead of the derived ones.",
  },
} as const satisfies Keys;

export const storeKeys = {
  url: {
    kind: "secret",
    default: "memory:",
    example: '"sqlite:/var/lib/mcp-oauth-proxy/state.db"',
    doc:
      "`memory:`, `sqlite:PATH`, `redis://host:6379/0` or `rediss://…`. Remembers spent ids, revocations and recent refresh " +
      "answers (sealed); never a credential in clear. Several replicas need Redis.",
  },
} as const satisfies Keys;

export const rateLimitKeys = {
  per_address: {
    kind: "integer",
    default: 600,
    min: 0,
    max: 1_000_000,
    doc: "Requests a minute from one address to authorize, token, register and revoke; 0 = off.",
  },
  per_client: {
    kind: "integer",
    default: 300,
    min: 0,
    max: 1_000_000,
    doc: "The same for one client, and for a client without a secret or key at one address; 0 = off.",
  },
} as const satisfies Keys;

export const logKeys = {
  level: {
    kind: "string",
    default: "info",
    choices: ["fatal", "error", "warning", "info", "debug", "trace"],
    doc: "`fatal`, `error`, `warning`, `info`, `debug` or `trace`. `LOG_LEVEL` (or `RUST_LOG`) beats it.",
  },
  format: {
    kind: "string",
    choices: ["json", "text"],
    doc: "`json` or `text`. Default: text on a terminal, json elsewhere.",
  },
} as const satisfies Keys;

export const metricsKeys = {
  listen: {
    kind: "string",
    example: '"127.0.0.1:9090"',
    doc: "A listener of its own for /metrics. Absent: on the main one, for loopback and `trusted_proxies` only.",
  },
} as const satisfies Keys;

/** In the order of the documentation. */
export const sections: readonly Section[] = [
  { header: "[server]", doc: "The proxy itself.", keys: serverKeys },
  { header: "[downstream.NAME]", doc: "One table per MCP server; at least one.", keys: downstreamKeys },
  { header: "[[downstream.NAME.tool_scopes]]", doc: "Which scope allows which tools.", keys: toolScopeKeys },
  {
    header: "[provider.NAME]",
    doc: "Who users sign in with, for the strategy `login`; as many as needed.",
    keys: providerKeys,
  },
  { header: "[clients]", doc: "Which MCP clients may ask for tokens.", keys: clientsKeys },
  { header: "[client.ID]", doc: "A pre-registered client: the table's name is its client id.", keys: clientKeys },
  { header: "[tokens]", doc: "What is handed out.", keys: tokensKeys },
  { header: "[store]", doc: "What is remembered.", keys: storeKeys },
  { header: "[rate_limit]", doc: "How much is answered.", keys: rateLimitKeys },
  { header: "[log]", doc: "What is logged, to standard error.", keys: logKeys },
  { header: "[metrics]", doc: "What is counted.", keys: metricsKeys },
];

// The keys of [downstream.NAME]: one table per MCP server.
import { checkDomain, checkHost, checkHostPath } from "./address_rules.ts";
import { checkAuthHeader } from "./header_rules.ts";
import type { Keys } from "./key.ts";
import { checkHttpUrl } from "./url_rules.ts";

const chained = { strategies: ["chained_oauth"], ignoredElsewhere: true } as const;
const login = { strategies: ["login"] } as const;

export const downstreamKeys = {
  display_name: { kind: "string", required: true, example: '"Linear"', doc: "Shown to the user." },
  strategy: {
    kind: "string",
    required: true,
    choices: ["passthrough", "chained_oauth", "login"],
    doc:
      "How the MCP server gets the credential that it accepts: `passthrough` (the user pastes an API key), `chained_oauth` (the user " +
      "authorizes us at another service), `login` (the user signs in at a provider and gets a token of ours).",
  },
  downstream_url: {
    kind: "string",
    check: checkHttpUrl,
    example: '"https://mcp.linear.app/mcp"',
    doc:
      "The MCP server. Required for passthrough and chained_oauth; without it a reverse proxy carries the traffic and asks /authenticate. " +
      "Clients can add parameters to its query, and change none.",
  },
  auth_header_format: {
    kind: "string",
    default: "Bearer",
    check: checkAuthHeader,
    example: '"X-API-Key"',
    doc:
      "How the credential travels: `Bearer`, `token` or `Basic` are schemes of Authorization; anything else is the name of a header " +
      "that carries the bare value.",
  },
  scopes: {
    kind: "string",
    mayBeBlank: true,
    example: '"read write"',
    doc: "Advertised and shown; separated by spaces.",
  },
  host: {
    kind: "string",
    check: checkHost,
    example: '"wiki-mcp.example.com"',
    doc: "Publishes the server on a host of its own instead of `/mcp/NAME`.",
  },
  path: { kind: "string", check: checkHostPath, example: '"/mcp"', doc: "The path on that host. Default: `/mcp`." },
  forward_auth: {
    kind: "boolean",
    default: false,
    doc:
      "Lets `/authenticate` hand the credential (a pasted key, the service's token, or `credential`) to the reverse proxies in " +
      "`server.trusted_proxies`, which have to keep that path to themselves. See docs/forward-auth.md.",
  },
  raw_access_tokens: {
    kind: "boolean",
    default: false,
    strategies: ["passthrough", "chained_oauth"],
    doc:
      "Hands clients the credential itself instead of a sealed token, as the first mcp-oauth-proxy, in Rust, did. Warned about at every start.",
  },

  auth_hint: {
    kind: "string",
    mayBeBlank: true,
    strategies: ["passthrough"],
    ignoredElsewhere: true,
    example: '"Settings → API → Personal API keys"',
    doc: "Tells the user where to find the key.",
  },
  verify_url: {
    kind: "string",
    check: checkHttpUrl,
    strategies: ["passthrough"],
    example: '"https://api.example.com/v1/me"',
    doc: "Asked with the pasted key before a code is issued; 401 or 403 shows the form again.",
  },

  oauth_authorize_url: {
    kind: "string",
    check: checkHttpUrl,
    ...chained,
    example: '"https://github.com/login/oauth/authorize"',
    doc:
      "Where the service asks its users. Leave out all four (authorize_url, token_url, client_id, client_secret) when the MCP server is " +
      "itself protected by OAuth: then we discover its authorization server and register there.",
  },
  oauth_token_url: {
    kind: "string",
    check: checkHttpUrl,
    ...chained,
    example: '"https://github.com/login/oauth/access_token"',
    doc: "Where the service exchanges codes.",
  },
  oauth_client_id: { kind: "string", ...chained, doc: "Of the OAuth application that you registered there." },
  oauth_client_secret: {
    kind: "secret",
    ...chained,
    example: '"env:GITHUB_SECRET"',
    doc: "Its secret. `MCP_PROXY_<NAME>_CLIENT_SECRET` beats it (NAME in upper case, `-` as `_`).",
  },
  oauth_scopes: {
    kind: "string",
    mayBeBlank: true,
    ...chained,
    example: '"repo read:org"',
    doc: "Asked of the service; separated by spaces.",
  },
  oauth_supports_refresh: {
    kind: "boolean",
    default: false,
    ...chained,
    doc: "Whether the service's tokens can be refreshed.",
  },
  oauth_token_accept: {
    kind: "string",
    default: "application/json",
    ...chained,
    doc: "The Accept header towards the token URL.",
  },
  oauth_pkce: {
    kind: "boolean",
    default: true,
    ...chained,
    doc: "Sends a PKCE challenge to the service; off for one that chokes on it.",
  },
  oauth_revocation_url: {
    kind: "string",
    check: checkHttpUrl,
    ...chained,
    doc: "RFC 7009: revoking our token revokes theirs.",
  },

  provider: {
    kind: "strings",
    orOne: true,
    ...login,
    example: '"google"',
    doc: "Name of a `[provider.*]` table, or a list of them to choose from. Default: the only one.",
  },
  allowed_users: {
    kind: "strings",
    ...login,
    example: '["ada@example.com"]',
    doc:
      "These may sign in: verified addresses, ids or user names. With several providers ids and user names are written `github|ada`.",
  },
  allowed_email_domains: {
    kind: "strings",
    check: checkDomain,
    ...login,
    example: '["example.com", "*.example.org"]',
    doc:
      'Users with a verified address there may sign in: exact domains, or `"*.example.com"` for those below it. No regular expressions.',
  },
  allowed_groups: {
    kind: "strings",
    ...login,
    example: '["engineering"]',
    doc: "Members of one of these may sign in; with allowed_email_domains both have to hold.",
  },
  allow_everyone: {
    kind: "boolean",
    default: false,
    ...login,
    doc: "Everybody with an account at the provider may sign in. Needed when there is no rule at all.",
  },
  subject: {
    kind: "string",
    default: "id",
    choices: ["id", "username"],
    ...login,
    doc: "`sub` of our tokens: the provider's stable `id`, or the `username`.",
  },
  credential: {
    kind: "secret",
    ...login,
    example: '"env:WIKI_API_KEY"',
    doc: "What goes downstream. Default: our own token.",
  },
  identity_headers: {
    kind: "boolean",
    default: false,
    ...login,
    doc: "Tells the MCP server who calls, in `X-Auth-Request-User`, `-Email` and `-Groups`.",
  },
  scopes_url: {
    kind: "string",
    check: checkHttpUrl,
    ...login,
    example: '"http://wiki:3000/mcp"',
    doc: "The MCP server to discover tool scopes from, where a reverse proxy carries the traffic.",
  },
  tool_scopes: { kind: "tables", ...login, doc: "See below. Absent: discovered from the server's tools/list." },
} as const satisfies Keys;

export const toolScopeKeys = {
  name: { kind: "string", required: true, example: '"wiki:read"', doc: "The scope." },
  description: {
    kind: "string",
    mayBeBlank: true,
    example: '"Read pages"',
    doc: "Shown on the consent page. Default: the name.",
  },
  tools: { kind: "strings", required: true, example: '["search", "get_page"]', doc: "The tools that it allows." },
} as const satisfies Keys;

// The keys of [clients] and [client.ID].
import { checkRedirect, checkRegisteredRedirect } from "./address_rules.ts";
import type { Keys } from "./key.ts";
import { checkHttpsOrLoopbackUrl } from "./url_rules.ts";

export const clientsKeys = {
  client_id_metadata_documents: {
    kind: "boolean",
    default: true,
    doc: "Clients whose id is the URL of their metadata (CIMD).",
  },
  dynamic_registration: {
    kind: "boolean",
    default: true,
    doc: "Clients that register themselves (RFC 7591). Nothing is stored.",
  },
  redirects: {
    kind: "strings",
    check: checkRedirect,
    example: '["claude", "https://agent.example.com/callback"]',
    doc:
      "Which redirect URIs such clients may have: presets by name, `loopback` (RFC 8252), exact URIs, or `https` (any https host; " +
      'the consent page is then the only guard). Default: `["claude", "chatgpt", "cursor", "vscode", "inspector", "loopback"]`.',
  },
  allow_loopback_metadata: {
    kind: "boolean",
    default: false,
    doc: "For development: client metadata documents on http://127.0.0.1.",
  },
} as const satisfies Keys;

export const clientKeys = {
  name: { kind: "string", example: '"My agent"', doc: "Shown on the consent page. Default: the client id." },
  redirect_uris: {
    kind: "strings",
    required: true,
    check: checkRegisteredRedirect,
    example: '["https://agent.example.com/callback"]',
    doc: "Matched exactly; only the port of a loopback URI may differ.",
  },
  client_secret: {
    kind: "secret",
    example: '"env:AGENT_SECRET"',
    doc: "For client_secret_basic and client_secret_post.",
  },
  jwks: { kind: "json", doc: "Public keys (a JWK Set) for private_key_jwt, as JSON text or an inline table." },
  jwks_uri: {
    kind: "string",
    check: checkHttpsOrLoopbackUrl,
    example: '"https://agent.example.com/jwks.json"',
    doc: "Where those keys are instead.",
  },
  trusted: { kind: "boolean", default: false, doc: "Skips the consent page for this client." },
} as const satisfies Keys;

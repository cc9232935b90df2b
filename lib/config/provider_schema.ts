// The keys of [provider.NAME].
import type { Keys } from "./key.ts";
import { got } from "./problems.ts";
import { checkHttpsOrLoopbackUrl } from "./url_rules.ts";

export const providerKeys = {
  kind: {
    kind: "string",
    choices: ["google", "github", "entra", "oidc"],
    doc: "`google`, `github`, `entra` or `oidc`. Default: the table's name.",
  },
  client_id: { kind: "string", required: true, doc: "Of the OAuth application that you registered there." },
  client_secret: { kind: "secret", required: true, example: '"env:GOOGLE_CLIENT_SECRET"', doc: "Its secret." },
  issuer: {
    kind: "string",
    check: checkHttpsOrLoopbackUrl,
    example: '"https://id.example.com"',
    doc:
      "oidc: the issuer; the rest is discovered. entra: the login host of a sovereign cloud, such as `https://login.microsoftonline.us`.",
  },
  scopes: {
    kind: "strings",
    example: '["openid", "email"]',
    doc:
      "oidc: asked for instead of `openid` and what the provider offers of `profile`, `email`, `groups` and `offline_access`; for one that answers `invalid_scope`.",
  },
  revoke_at_provider: {
    kind: "boolean",
    default: false,
    doc:
      "google, oidc: ending an access also revokes its refresh token there, where the provider has an endpoint for it. With some providers that ends all of this user's accesses through us.",
  },
  tenant: { kind: "string", example: '"contoso.onmicrosoft.com"', doc: "entra: the tenant's id or domain." },
  organization: {
    kind: "string",
    doc: "github: only its members get in, and their teams become groups. Needs `app_private_key_file`.",
  },
  app_private_key_file: {
    kind: "secret file",
    example: '"github-app.pem"',
    doc: "github: PEM of the GitHub App's key.",
  },
  service_account_file: {
    kind: "secret file",
    example: '"workspace.json"',
    doc:
      "google: credentials of a service account that may read Workspace groups, as Google Cloud gives them: its key, or a configuration for impersonation or for workload identity federation.",
  },
  service_account: {
    kind: "string",
    check: checkServiceAccount,
    example: '"groups-reader@project.iam.gserviceaccount.com"',
    doc:
      "google: reads Workspace groups without a key. `metadata`: the account that this machine runs as on Google Cloud. An address: that account, which the machine's own (or that of `service_account_file`) may sign for.",
  },
  admin_email: {
    kind: "string",
    example: '"groups-reader@example.com"',
    doc:
      "google: the administrator in whose name the service account reads groups. Default: the user who signs in, who has to be allowed to.",
  },
  api_url: {
    kind: "string",
    check: checkHttpsOrLoopbackUrl,
    example: '"https://github.example.com/api/v3"',
    doc: "github: the API of GitHub Enterprise. entra: Microsoft Graph of a sovereign cloud.",
  },
} as const satisfies Keys;

/** True for the address of a service account: it becomes a part of a path. */
export function isServiceAccount(text: string): boolean {
  return /^[\w.+-]{1,100}@[\w-]+(\.[\w-]+)+$/.test(text);
}

function checkServiceAccount(value: string): string | undefined {
  return value === "metadata" || isServiceAccount(value)
    ? undefined
    : `must be "metadata" or the address of a service account${got(value)}`;
}

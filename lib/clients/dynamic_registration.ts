// RFC 7591 without storage: what a client registered travels sealed in its client_id, so no restart, replica or flood of
// registrations can lose or fill anything.
import { secret } from "../config/secrets.ts";
import { type ClientMetadata, parseClientMetadata } from "../oauth/client_metadata.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Log } from "../telemetry/log.ts";
import { randomId } from "../tokens/random_id.ts";
import type { Sealer } from "../tokens/seal.ts";
import type { Client, ClientAuthentication } from "./client.ts";
import { type RedirectPolicy, splitRedirects } from "./redirect_policy.ts";
import { printUri } from "./requested_redirect_uri.ts";

export interface DynamicRegistration {
  /** RFC 7591 §3.2.1. @throws OAuthError `invalid_client_metadata`, `invalid_redirect_uri` */
  register(metadata: unknown): Record<string, unknown>;
  /** Undefined when `clientId` is not one that we issued. */
  find(clientId: string): Client | undefined;
}

export interface DynamicRegistrationTools {
  sealer: Sealer;
  policy: RedirectPolicy;
  /** Seconds since the epoch. */
  now: () => number;
  log: Log;
}

/** What the client_id holds. The names are part of the wire format: never rename. */
interface SealedClient {
  name?: string;
  uris: readonly string[];
  /** Absent for public clients. */
  auth?: "client_secret_basic" | "client_secret_post" | "private_key_jwt";
  secret?: string;
  jwks?: string;
  jwksUri?: string;
}

/** Authorization requests carry the id in their URL, and headers of 16 KB have to hold that several times. */
const maxClientIdLength = 2_048;

export function createDynamicRegistration(tools: DynamicRegistrationTools): DynamicRegistration {
  const { sealer, policy, now, log } = tools;
  return {
    register(value) {
      const metadata = parseClientMetadata(value);
      checkRedirects(policy, metadata.redirectUris);
      const sealed = describe(metadata);
      const clientId = sealer.sealDeterministic("client id", sealed);
      if (clientId.length > maxClientIdLength) {
        throw new OAuthError(
          "invalid_client_metadata",
          "the metadata is too long for a registration that is kept in the client_id; register fewer redirect URIs, or jwks_uri instead of jwks",
        );
      }
      const information = printInformation(metadata, sealed, { clientId, issuedAt: now() });
      const { redirect_uris, token_endpoint_auth_method } = information;
      log.info("client_registered", {
        client_id: clientId,
        client_name: metadata.clientName,
        redirect_uris,
        token_endpoint_auth_method,
      });
      return information;
    },
    find(clientId) {
      const opened = clientId.length > maxClientIdLength ? undefined : sealer.open("client id", clientId);
      if (typeof opened !== "object") return undefined;
      const sealed = opened.value as SealedClient;
      return {
        clientId,
        name: sealed.name ?? "an MCP client without a name",
        ...splitRedirects(policy, sealed.uris),
        source: "dynamic",
        trusted: false,
        authentication: authenticationOf(sealed),
      };
    },
  };
}

/** RFC 7591 §5: all of them, because a client that gets only some of what it registered fails later and further away. */
function checkRedirects(policy: RedirectPolicy, uris: readonly string[]): void {
  const { refusedRedirects } = splitRedirects(policy, uris);
  if (refusedRedirects.length === 0) return;
  const { uri, reason, operatorHint } = refusedRedirects.find(({ operatorHint }) => operatorHint === undefined) ??
    refusedRedirects[0]!;
  throw new OAuthError("invalid_redirect_uri", `redirect_uri ${printUri(uri)} ${reason}`, { operatorHint });
}

/**
 * A public client registers as often as it likes and gets the same id. One that wants a secret gets a new pair each time:
 * a secret that follows from the metadata would be anybody's who sends the same metadata.
 */
function describe(metadata: ClientMetadata): SealedClient {
  const { clientName: name, redirectUris: uris, tokenEndpointAuthMethod: auth, jwks, jwksUri } = metadata;
  if (auth === "none") return { name, uris };
  if (auth === "private_key_jwt") return { name, uris, auth, jwks, jwksUri };
  return { name, uris, auth, secret: randomId() };
}

function authenticationOf({ auth, secret: text, jwks, jwksUri }: SealedClient): ClientAuthentication {
  if (auth === undefined) return { method: "none" };
  return auth === "private_key_jwt" ? { method: auth, jwks, jwksUri } : { method: auth, secret: secret(text!) };
}

/** RFC 7591 §3.2.1. Members without a value are left out: clients refuse `null` and `""`. */
function printInformation(
  metadata: ClientMetadata,
  sealed: SealedClient,
  { clientId, issuedAt }: { clientId: string; issuedAt: number },
): Record<string, unknown> {
  return {
    client_id: clientId,
    client_id_issued_at: issuedAt,
    ...(sealed.secret === undefined ? {} : { client_secret: sealed.secret, client_secret_expires_at: 0 }),
    ...(metadata.clientName === undefined ? {} : { client_name: metadata.clientName }),
    redirect_uris: metadata.redirectUris,
    grant_types: metadata.grantTypes,
    response_types: ["code"],
    token_endpoint_auth_method: metadata.tokenEndpointAuthMethod,
    ...(metadata.applicationType === undefined ? {} : { application_type: metadata.applicationType }),
    ...(sealed.jwks === undefined ? {} : { jwks: JSON.parse(sealed.jwks) }),
    ...(sealed.jwksUri === undefined ? {} : { jwks_uri: sealed.jwksUri }),
  };
}

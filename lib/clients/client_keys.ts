// The public keys of clients that sign their assertions: inline, or at their jwks_uri.
import type { JSONWebKeySet } from "jose";
import { checkJwks } from "../oauth/client_metadata.ts";
import { OAuthError } from "../oauth/errors.ts";
import type { Client, Clients } from "./client.ts";
import { createDocumentSource, type DocumentSourceTools } from "./document_source.ts";

/** Ten RSA keys with certificates, with room to spare. */
const maxBytes = 65_536;

/** `Clients.keysOf`. */
export function createClientKeys(tools: DocumentSourceTools & { allowLoopbackHttp: boolean }): Clients["keysOf"] {
  const documents = createDocumentSource(tools, {
    what: "JWK Set of the client",
    maxBytes,
    allowLoopbackHttp: tools.allowLoopbackHttp,
    parse: parseJwks,
  });
  return async ({ authentication }: Client, { refresh = false } = {}) => {
    if (authentication.method !== "private_key_jwt") {
      throw new OAuthError("invalid_client", "this client did not register keys");
    }
    const { jwks, jwksUri } = authentication;
    if (jwks !== undefined) return parseJwks(JSON.parse(jwks));
    if (jwksUri === undefined) {
      throw new OAuthError("invalid_client", "this client registered neither jwks nor jwks_uri");
    }
    return refresh ? documents.refresh(jwksUri) : documents.get(jwksUri);
  };
}

function parseJwks(value: unknown): JSONWebKeySet {
  try {
    checkJwks(value);
  } catch (cause) {
    throw new OAuthError("invalid_client", cause instanceof Error ? cause.message : "no JWK Set", { cause });
  }
  return value as unknown as JSONWebKeySet;
}

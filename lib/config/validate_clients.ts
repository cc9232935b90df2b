// [clients] and [client.ID]: who may ask for tokens.
import { isLoopbackRedirect, isPrivateUseRedirect } from "../oauth/redirect_uri.ts";
import { defaultRedirects } from "./address_rules.ts";
import type { ClientConfig, ClientsConfig } from "./config.ts";
import { type Place, within } from "./problems.ts";
import { asTable, isTable, type Reading, readTable, type Table } from "./read_table.ts";
import { clientKeys, clientsKeys } from "./clients_schema.ts";

export function validateClients(file: Table, reading: Reading): ClientsConfig {
  const place = { path: "clients", source: "clients" };
  const values = readTable(clientsKeys, { table: file.clients, place }, reading);
  const hasRedirects = isTable(file.clients) && file.clients.redirects !== undefined;
  if (values.redirects.includes("https")) {
    reading.warnings.push(
      'clients.redirects: "https" lets any web site register as a client; only the consent page stands between it and your users',
    );
  }
  return {
    clientIdMetadataDocuments: values.client_id_metadata_documents,
    dynamicRegistration: values.dynamic_registration,
    redirects: hasRedirects ? values.redirects : defaultRedirects,
    allowLoopbackMetadata: values.allow_loopback_metadata,
    preRegistered: validatePreRegistered(file, reading),
  };
}

function validatePreRegistered(file: Table, reading: Reading): ClientConfig[] {
  const place = { path: "client", source: "client" };
  return Object.entries(asTable(file.client, place, reading.problems))
    .map(([clientId, table]) => validateClient(clientId, table, within(place, clientId), reading));
}

function validateClient(clientId: string, table: unknown, place: Place, reading: Reading): ClientConfig {
  const values = readTable(clientKeys, { table, place }, reading);
  const proofs = [values.client_secret, values.jwks, values.jwks_uri].filter((proof) => proof !== undefined);
  if (proofs.length > 1) reading.problems.add(place, "has more than one of client_secret, jwks and jwks_uri; keep one");
  if (values.jwks !== undefined) {
    const problem = jwksProblem(values.jwks);
    if (problem !== undefined) reading.problems.add(within(place, "jwks"), problem);
  }
  const local = values.redirect_uris.find((uri) => isLoopbackRedirect(uri) || isPrivateUseRedirect(uri));
  if (values.trusted && local !== undefined && proofs.length === 0) {
    reading.warnings.push(
      `${place.path}.trusted: any program on a user's machine can pose as this client, because ${local} needs no proof; ` +
        "without trusted = true the user is asked",
    );
  }
  return {
    clientId,
    name: values.name ?? clientId,
    redirectUris: values.redirect_uris,
    clientSecret: values.client_secret,
    jwks: values.jwks,
    jwksUri: values.jwks_uri,
    trusted: values.trusted,
  };
}

function jwksProblem(json: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return "must be JSON: a JWK Set with a list of keys";
  }
  if (!isTable(parsed) || !Array.isArray(parsed.keys) || parsed.keys.length === 0 || !parsed.keys.every(isTable)) {
    return 'must be a JWK Set: { "keys": [ … ] } with at least one key';
  }
  return parsed.keys.some((key) => "d" in key || "k" in key)
    ? "holds a private key; only the public half belongs here"
    : undefined;
}

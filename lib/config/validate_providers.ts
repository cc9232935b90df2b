// [provider.NAME]: who users sign in with.
import type { ProviderConfig } from "./config.ts";
import { type Place, within } from "./problems.ts";
import { asTable, isTable, type Reading, readTable, type Table } from "./read_table.ts";
import { providerKeys } from "./provider_schema.ts";
import { isPlaceholder } from "./secrets.ts";

type Kind = ProviderConfig["kind"];

const kinds: readonly Kind[] = providerKeys.kind.choices;

/** Keys that mean something for one kind only. */
const ownKeys: Readonly<Record<Kind, readonly string[]>> = {
  google: ["issuer", "service_account_file", "service_account", "admin_email", "api_url", "revoke_at_provider"],
  github: ["organization", "app_private_key_file", "api_url"],
  entra: ["tenant", "issuer", "api_url"],
  oidc: ["issuer", "scopes", "revoke_at_provider"],
};

const displayNames: Readonly<Record<Kind, string | undefined>> = {
  google: "Google",
  github: "GitHub",
  entra: "Microsoft",
  oidc: undefined,
};

export function validateProviders(file: Table, reading: Reading): Map<string, ProviderConfig> {
  const place = { path: "provider", source: "provider" };
  const tables = Object.entries(asTable(file.provider, place, reading.problems));
  return new Map(tables.map(([name, table]) => [name, validateProvider(name, table, within(place, name), reading)]));
}

function validateProvider(name: string, table: unknown, place: Place, reading: Reading): ProviderConfig {
  const { problems } = reading;
  const values = readTable(providerKeys, { table, place }, reading);
  const kind = values.kind ?? kinds.find((kind) => kind === name);
  const hasKind = isTable(table) && table.kind !== undefined;
  if (kind === undefined && !hasKind) {
    problems.add(place, `needs a kind; write kind = "oidc" (or ${kinds.filter((kind) => kind !== "oidc").join(", ")})`);
  }
  if (kind !== undefined) checkOwnKeys(kind, values, place, reading);
  if (isPlaceholder(values.client_secret)) {
    problems.add(within(place, "client_secret"), "is a placeholder; write the secret that the provider gave you");
  }
  return {
    name,
    kind: kind ?? "oidc",
    displayName: (kind === undefined ? undefined : displayNames[kind]) ?? name,
    clientId: values.client_id,
    clientSecret: values.client_secret,
    issuer: values.issuer,
    revokeAtProvider: values.revoke_at_provider,
    tenant: values.tenant,
    scopes: values.scopes.length === 0 ? undefined : values.scopes,
    organization: values.organization,
    appPrivateKey: values.app_private_key_file,
    serviceAccountFile: values.service_account_file,
    serviceAccount: values.service_account,
    adminEmail: values.admin_email,
    apiUrl: values.api_url,
  };
}

function checkOwnKeys(
  kind: Kind,
  values: Readonly<Record<string, unknown>>,
  place: Place,
  { problems, warnings }: Reading,
): void {
  for (const key of new Set(Object.values(ownKeys).flat())) {
    if (values[key] === undefined || values[key] === false || isEmptyList(values[key]) || ownKeys[kind].includes(key)) {
      continue;
    }
    const others = kinds.filter((other) => ownKeys[other].includes(key)).map((other) => `"${other}"`).join(" or ");
    problems.add(within(place, key), `only means something with kind = ${others}; remove it`);
  }
  const { service_account_file: file, service_account: account } = values;
  if (values.admin_email !== undefined && file === undefined && account === undefined) {
    problems.add(
      within(place, "admin_email"),
      "only means something with service_account_file or service_account; write one of them too, or remove this",
    );
  }
  if (file !== undefined && account === "metadata") {
    problems.add(
      within(place, "service_account"),
      "can't be metadata with service_account_file; remove one, or write the account that the file's may sign for",
    );
  }
  if (kind === "oidc" && values.issuer === undefined) {
    problems.add(within(place, "issuer"), `is required for kind = "oidc", such as ${providerKeys.issuer.example}`);
  }
  if (kind === "entra" && values.tenant === undefined) {
    problems.add(within(place, "tenant"), `is required for kind = "entra", such as ${providerKeys.tenant.example}`);
  }
  if (kind === "entra" && ["common", "organizations", "consumers"].includes(String(values.tenant))) {
    warnings.push(`${place.path}.tenant: "${values.tenant}" lets accounts of every tenant sign in`);
  }
  const [hasOrganization, hasKey] = [values.organization !== undefined, values.app_private_key_file !== undefined];
  if (hasOrganization !== hasKey) {
    const missing = hasKey ? "organization" : "app_private_key_file";
    problems.add(within(place, missing), "is required: organization and app_private_key_file go together");
  }
}

/** What readTable gives for a list that is not there. */
function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

// strategy = "chained_oauth": the service where the user authorizes us, given or discovered.
import { parseScope } from "../oauth/scope.ts";
import type { ChainedOAuthConfig } from "./config.ts";
import { downstreamKeys } from "./downstream_schema.ts";
import { clientSecretVariable } from "./environment.ts";
import { type Place, within } from "./problems.ts";
import type { Reading } from "./read_table.ts";
import { isPlaceholder } from "./secrets.ts";
import { isInnerHost } from "./url_rules.ts";
import type { Downstream, DownstreamValues } from "./validate_downstreams.ts";

const providerKeys = ["oauth_authorize_url", "oauth_token_url", "oauth_client_id", "oauth_client_secret"] as const;

export function validateChained({ name, values, place }: Downstream, reading: Reading): ChainedOAuthConfig {
  return {
    kind: "chained_oauth",
    provider: validateProvider(name, values, place, reading),
    providerScopes: parseScope(values.oauth_scopes),
    supportsRefresh: values.oauth_supports_refresh,
    tokenAccept: values.oauth_token_accept,
  };
}

/** All four keys, or none: then everything is discovered. */
function validateProvider(
  name: string,
  values: DownstreamValues,
  place: Place,
  { problems, warnings }: Reading,
): ChainedOAuthConfig["provider"] {
  const missing = providerKeys.filter((key) => values[key] === undefined);
  if (missing.length === providerKeys.length) {
    if (values.oauth_revocation_url !== undefined) {
      problems.add(
        within(place, "oauth_revocation_url"),
        "is discovered together with the rest; remove it or give all four oauth_* keys",
      );
    }
    return undefined;
  }
  for (const key of missing) {
    const variable = key === "oauth_client_secret" ? `, or set ${clientSecretVariable(name)}` : "";
    const { example = '"…"' } = downstreamKeys[key] as { example?: string };
    if (problems.found.some(({ path }) => path === `${place.path}.${key}`)) continue; // there, but wrong
    problems.add(
      within(place, key),
      `is required next to ${
        providerKeys.filter((other) => other !== key && values[other] !== undefined).join(", ")
      }; ` +
        `write ${key} = ${example}${variable}`,
    );
  }
  if (values.oauth_client_secret !== undefined && isPlaceholder(values.oauth_client_secret)) {
    problems.add(
      within(place, "oauth_client_secret"),
      `is a placeholder; write the secret that the service gave you, or set ${clientSecretVariable(name)}`,
    );
  }
  for (const key of ["oauth_authorize_url", "oauth_token_url"] as const) {
    const url = values[key] === undefined ? undefined : new URL(values[key]);
    if (url?.protocol === "http:" && !isInnerHost(url.hostname)) {
      warnings.push(
        `${place.path}.${key}: is http to a public host, so codes and secrets travel in clear; write https`,
      );
    }
  }
  return {
    authorizeUrl: values.oauth_authorize_url ?? "",
    tokenUrl: values.oauth_token_url ?? "",
    clientId: values.oauth_client_id ?? "",
    clientSecret: values.oauth_client_secret,
    revocationUrl: values.oauth_revocation_url,
    pkce: values.oauth_pkce,
  };
}

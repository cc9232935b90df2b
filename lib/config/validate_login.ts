// strategy = "login": who may sign in, and where. Nobody is let in by an empty list (D7).
import { parseScope } from "../oauth/scope.ts";
import type { ToolScope } from "../oauth/tool_scope.ts";
import type { LoginConfig, ProviderConfig } from "./config.ts";
import { toolScopeKeys } from "./downstream_schema.ts";
import { nearestKey } from "./nearest_key.ts";
import { got, type Place, within } from "./problems.ts";
import { type Reading, readTable } from "./read_table.ts";
import type { Downstream, DownstreamValues } from "./validate_downstreams.ts";

export function validateLogin(
  { values, place }: Downstream,
  providers: ReadonlyMap<string, ProviderConfig>,
  reading: Reading,
): LoginConfig {
  checkRules(values, place, reading);
  if (values.scopes_url !== undefined && values.downstream_url !== undefined) {
    reading.problems.add(
      within(place, "scopes_url"),
      "is only for a server that a reverse proxy carries; downstream_url is asked already",
    );
  }
  const chosen = chooseProviders(values.provider, place, providers, reading);
  checkRulesFit(
    values,
    place,
    chosen.map((name) => providers.get(name)).filter((found) => found !== undefined),
    reading,
  );
  return {
    kind: "login",
    providers: chosen,
    allowEveryone: values.allow_everyone,
    allowedUsers: values.allowed_users,
    allowedEmailDomains: values.allowed_email_domains.map((domain) => domain.toLowerCase()),
    allowedGroups: values.allowed_groups,
    subject: values.subject,
    credential: values.credential,
    identityHeaders: values.identity_headers,
    toolScopes: validateToolScopes(values.tool_scopes, within(place, "tool_scopes"), reading),
    scopesUrl: values.scopes_url,
  };
}

function checkRules(values: DownstreamValues, place: Place, { problems, warnings }: Reading): void {
  const rules = ["allowed_users", "allowed_email_domains", "allowed_groups"] as const;
  const given = rules.filter((rule) => values[rule].length > 0);
  const isWrongAlready = problems.found.some(({ path }) => rules.some((rule) => path === `${place.path}.${rule}`));
  if (values.allow_everyone && given.length > 0) {
    problems.add(within(place, "allow_everyone"), `contradicts ${given.join(" and ")}; remove one or the other`);
  } else if (values.allow_everyone) {
    warnings.push(`${place.path}.allow_everyone: everybody with an account at the provider may sign in`);
  } else if (given.length === 0 && !isWrongAlready) {
    problems.add(
      place,
      'says nobody may sign in; write allowed_email_domains = ["example.com"], allowed_users or allowed_groups, or allow_everyone = true',
    );
  }
}

/** Rules that could never hold are mistakes, found here instead of by the first user who can't get in. */
function checkRulesFit(
  values: DownstreamValues,
  place: Place,
  chosen: readonly ProviderConfig[],
  { problems }: Reading,
): void {
  const names = chosen.map(({ name }) => name);
  for (const user of chosen.length > 1 ? values.allowed_users : []) {
    if (user.includes("@") || names.some((name) => user.startsWith(`${name}|`))) continue;
    const message = `must say whose user it is, because there are several providers; write "${names[0]}|${user}"`;
    problems.add(within(place, "allowed_users"), message);
  }
  const groupless = chosen.filter(({ kind, organization, serviceAccountFile, serviceAccount }) =>
    kind === "github"
      ? organization === undefined
      : kind === "google" && serviceAccountFile === undefined && serviceAccount === undefined
  );
  if (values.allowed_groups.length > 0 && chosen.length > 0 && groupless.length === chosen.length) {
    const [{ kind, name }] = groupless as [ProviderConfig];
    const needed = kind === "github"
      ? "organization and app_private_key_file"
      : "service_account_file or service_account";
    problems.add(within(place, "allowed_groups"), `can never hold: provider.${name} knows no groups without ${needed}`);
  }
}

function chooseProviders(
  asked: readonly string[],
  place: Place,
  providers: ReadonlyMap<string, ProviderConfig>,
  { problems }: Reading,
): readonly string[] {
  const known = [...providers.keys()];
  const here = within(place, "provider");
  if (asked.length === 0) {
    if (known.length === 1) return known;
    const message = known.length === 0
      ? "no provider is configured; write a [provider.NAME] table, such as [provider.google]"
      : `is required, because there are several: write provider = "${known[0]}"`;
    if (!problems.found.some(({ path }) => path === here.path)) problems.add(here, message);
    return [];
  }
  for (const name of asked.filter((name) => !providers.has(name))) {
    const near = nearestKey(name, known);
    const hint = near === undefined ? `write a [provider.${name}] table` : `did you mean "${near}"?`;
    problems.add(here, `no such provider; ${hint}${got(name)}`);
  }
  return [...new Set(asked)];
}

function validateToolScopes(tables: readonly unknown[], place: Place, reading: Reading): ToolScope[] | undefined {
  if (tables.length === 0) return undefined;
  const seen = new Set<string>();
  return tables.map((table, index) => {
    const here = { path: `${place.path}[${index}]`, source: `${place.source}[${index}]` };
    const { name, description, tools } = readTable(toolScopeKeys, { table, place: here }, reading);
    if (name !== "" && (name.includes(" ") || parseScope(name)[0] !== name)) {
      reading.problems.add(
        within(here, "name"),
        `must be one scope without spaces, quotes and backslashes${got(name)}`,
      );
    }
    if (name !== "" && seen.has(name)) {
      reading.problems.add(within(here, "name"), `is there twice; join the lists of tools${got(name)}`);
    }
    seen.add(name);
    return { name, description: description ?? name, tools };
  });
}

// [downstream.NAME]: the MCP servers, each by path or by host, each with a strategy.
import { parseScope } from "../oauth/scope.ts";
import { resourceUrls } from "../urls.ts";
import type { Config, ProviderConfig, Resource, StrategyConfig } from "./config.ts";
import { downstreamKeys } from "./downstream_schema.ts";
import { clientSecretVariable, readVariable } from "./environment.ts";
import { canonicalAuthHeader } from "./header_rules.ts";
import type { StrategyName, Values } from "./key.ts";
import { got, type Place, within } from "./problems.ts";
import { isTable, type Reading, readTable, type Table } from "./read_table.ts";
import { isInnerHost } from "./url_rules.ts";
import { validateChained } from "./validate_chained.ts";
import { validateLogin } from "./validate_login.ts";

export type DownstreamValues = Values<typeof downstreamKeys>;

/** What a downstream is checked against. */
export interface Surroundings {
  /** Empty when it is itself a problem. */
  publicUrl: string;
  trustedProxies: readonly string[];
  providers: ReadonlyMap<string, ProviderConfig>;
}

export function validateDownstreams(file: Table, around: Surroundings, reading: Reading): Config["resources"] {
  const entries = namedTables(file.downstream, reading);
  if (entries.length === 0 && reading.problems.found.every(({ path }) => !path.startsWith("downstream"))) {
    const place = { path: "downstream", source: "downstream" };
    reading.problems.add(place, "no MCP server is configured; write a [downstream.NAME] table for each");
  }
  const resources = entries.map((entry) => validateDownstream(entry, around, reading));
  checkHosts(resources, around, reading);
  return resources;
}

interface NamedTable {
  name: string;
  table: Table;
  place: Place;
}

/** Both `[downstream.NAME]` and `[[downstream]]` with a `name`. */
function namedTables(found: unknown, { problems }: Reading): NamedTable[] {
  const root = { path: "downstream", source: "downstream" };
  if (found === undefined) return [];
  const isList = Array.isArray(found);
  if (!isList && !isTable(found)) {
    problems.add(root, "must be a table; write [downstream.NAME] and its keys below");
    return [];
  }
  const named: NamedTable[] = [];
  for (const [key, value] of Object.entries(found)) {
    const source = isList ? `downstream[${key}]` : `downstream.${key}`;
    if (!isTable(value)) {
      const stray = Object.hasOwn(downstreamKeys, key);
      const message = stray
        ? `belongs into the table of one server; write [downstream.NAME] above it`
        : `must be a table; write [downstream.${key}]`;
      problems.add({ path: `downstream.${key}`, source }, message);
      continue;
    }
    const { name: given, ...rest } = value;
    const name = isList ? given : key;
    const path = typeof name === "string" ? `downstream.${name}` : source;
    const place = { path, source };
    const problem = nameProblem(name, named);
    if (problem !== undefined) problems.add(isList ? { path, source: `${source}.name` } : place, problem);
    if (!isList && given !== undefined && given !== key) {
      problems.add(within(place, "name"), `the table is called ${key} already; remove the line`);
    }
    if (typeof name === "string") named.push({ name, table: rest, place });
  }
  return named;
}

function nameProblem(name: unknown, others: readonly NamedTable[]): string | undefined {
  if (name === undefined) return 'needs a name, such as name = "linear"';
  if (typeof name !== "string" || !/^[a-z0-9-]+$/.test(name)) {
    const better = typeof name === "string" ? name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-") : "";
    return `the name must match [a-z0-9-]+${/^[a-z0-9-]+$/.test(better) ? `; write "${better}"` : ""}${got(name)}`;
  }
  return others.some((other) => other.name === name) ? `is there twice; each downstream needs its own name` : undefined;
}

function validateDownstream({ name, table, place }: NamedTable, around: Surroundings, reading: Reading): Resource {
  const strategy = downstreamKeys.strategy.choices.find((choice) => choice === table.strategy);
  const fromEnv = strategy === "chained_oauth"
    ? readVariable(reading.sources.env, clientSecretVariable(name))
    : undefined;
  const given = fromEnv === undefined ? table : { ...table, oauth_client_secret: fromEnv };
  const values = readTable(downstreamKeys, { table: given, place, strategy }, reading);
  if (strategy !== undefined && strategy !== "login" && table.downstream_url === undefined) {
    reading.problems.add(
      within(place, "downstream_url"),
      `is required for strategy = "${strategy}", such as ${downstreamKeys.downstream_url.example}`,
    );
  }
  checkDownstreamUrl(values, place, around, reading);
  if (values.path !== undefined && values.host === undefined) {
    reading.problems.add(
      within(place, "path"),
      `only means something with a host; this server is published at /mcp/${name}`,
    );
  }
  if (values.raw_access_tokens && strategy !== "login") {
    reading.warnings.push(
      `${place.path}.raw_access_tokens: clients get the credential itself, unlimited in time and use; this is for old clients only`,
    );
  }
  checkForwardAuth(values, place, around, reading);
  const ownHost = values.host === undefined
    ? undefined
    : { host: canonicalHost(values.host, around), path: values.path ?? "/mcp" };
  return {
    name,
    displayName: values.display_name,
    urls: urlsOf(name, ownHost, around),
    ownHost,
    downstreamUrl: values.downstream_url,
    authHeaderFormat: canonicalAuthHeader(values.auth_header_format),
    scopes: parseScope(values.scopes?.replaceAll(/,(\s|$)/g, " ")),
    rawAccessTokens: values.raw_access_tokens,
    ...(values.forward_auth ? { forwardAuth: true } : {}),
    strategy: validateStrategy(strategy ?? "passthrough", { name, values, place }, around, reading),
  };
}

/** One downstream on the way to its strategy. */
export interface Downstream {
  name: string;
  values: DownstreamValues;
  place: Place;
}

function validateStrategy(
  strategy: StrategyName,
  downstream: Downstream,
  around: Surroundings,
  reading: Reading,
): StrategyConfig {
  const { values } = downstream;
  switch (strategy) {
    case "passthrough":
      return { kind: "passthrough", authHint: values.auth_hint, verifyUrl: values.verify_url };
    case "chained_oauth":
      return validateChained(downstream, reading);
    case "login":
      return validateLogin(downstream, around.providers, reading);
  }
}

function checkDownstreamUrl(
  values: DownstreamValues,
  place: Place,
  { publicUrl }: Surroundings,
  reading: Reading,
): void {
  if (values.downstream_url === undefined) return;
  const url = new URL(values.downstream_url);
  const here = within(place, "downstream_url");
  if (publicUrl !== "" && `${url.origin}${url.pathname}`.startsWith(`${publicUrl}/mcp/`)) {
    reading.problems.add(here, "is a URL of this proxy; write the URL of the MCP server behind it");
  }
  if (url.protocol === "http:" && !isInnerHost(url.hostname)) {
    reading.warnings.push(
      `${here.path}: is http to a public host, so credentials travel in clear; write https if the server has it`,
    );
  }
}

function checkForwardAuth(
  values: DownstreamValues,
  place: Place,
  { trustedProxies }: Surroundings,
  { problems, warnings }: Reading,
): void {
  const here = within(place, "forward_auth");
  if (values.forward_auth && trustedProxies.length === 0) {
    problems.add(
      here,
      'needs to know who may ask; write the address of the reverse proxy, such as server.trusted_proxies = ["127.0.0.1"]',
    );
  }
  if (values.credential !== undefined && values.downstream_url === undefined && !values.forward_auth) {
    warnings.push(
      `${place.path}.credential: reaches nobody; write downstream_url, or forward_auth = true for a reverse proxy that asks /authenticate`,
    );
  }
}

/** As it stands in URLs: lower case, without the default port of the scheme that the public URL uses. */
function canonicalHost(host: string, around: Surroundings): string {
  return new URL(`${schemeOf(around)}://${host}`).host;
}

function schemeOf({ publicUrl }: Surroundings): "https" | "http" {
  return publicUrl.startsWith("http://") ? "http" : "https";
}

function urlsOf(name: string, ownHost: Resource["ownHost"], around: Surroundings): Resource["urls"] {
  return resourceUrls(
    ownHost === undefined
      ? { by: "path", publicUrl: around.publicUrl, name }
      : { by: "host", ...ownHost, scheme: schemeOf(around) },
  );
}

/** A host of its own has one issuer, so it carries one server, and it isn't the host of the others. */
function checkHosts(resources: readonly Resource[], { publicUrl }: Surroundings, { problems }: Reading): void {
  const owners = new Map<string, string>();
  const publicHost = URL.canParse(publicUrl) ? new URL(publicUrl).host : undefined;
  for (const { name, ownHost } of resources) {
    if (ownHost === undefined) continue;
    const place = { path: `downstream.${name}.host`, source: `downstream.${name}.host` };
    const owner = owners.get(ownHost.host);
    if (owner !== undefined) problems.add(place, `is the host of downstream.${owner} already; each needs its own`);
    else if (ownHost.host === publicHost) {
      problems.add(
        place,
        "is the host of server.public_url; write another one, or remove host and path to publish by path",
      );
    }
    owners.set(ownHost.host, owner ?? name);
  }
}

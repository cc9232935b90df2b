// check: every problem of the configuration, then a try of everything that it points to.
import type { Config, Resource } from "../config/config.ts";
import { oneLine } from "../telemetry/one_line.ts";
import { examinePublic } from "./doctor.ts";
import { downstreamFindings, type Finding } from "./downstream_findings.ts";
import { loadOrReport } from "./load_or_report.ts";
import type { ProbeTools } from "./mcp_probe.ts";
import { providerFindings } from "./provider_findings.ts";
import { signInFindings } from "./sign_in_findings.ts";
import { storeFinding } from "./store_finding.ts";

const marks = { ok: "✓", warning: "!", problem: "✗" } as const;

export interface CheckOptions {
  configPath: string;
  /** See from outside as well, as doctor does. */
  alsoPublic?: boolean;
}

/** @returns the exit code: 1 when the configuration has problems or something that it points to does not work */
export async function check({ configPath, alsoPublic = false }: CheckOptions): Promise<number> {
  const config = await loadOrReport({ path: configPath });
  if (config === undefined) return 1;
  printConfig(configPath, config);
  const tools = { fetch: globalThis.fetch, timeoutMs: config.server.connectTimeoutSeconds * 1000 };
  const findings = await Promise.all([
    report("store", async () => [await storeFinding(config)]),
    ...config.resources.map((resource) => report(title(resource), () => resourceFindings(resource, tools))),
    ...[...config.providers.values()].map((provider) =>
      report(`provider ${provider.name}`, () => signInFindings(provider, config, tools))
    ),
  ]);
  const failed = findings.flat().filter(({ level }) => level === "problem").length;
  console.log(failed === 0 ? "\nReady: mcp-oauth-proxy" : `\n${failed === 1 ? "1 problem" : `${failed} problems`}.`);
  if (!alsoPublic) return failed === 0 ? 0 : 1;
  console.log("");
  const seen = await examinePublic(config.resources.map(({ urls }) => new URL(urls.resource)), { json: false });
  return failed === 0 ? seen : 1;
}

function printConfig(path: string, { warnings }: Config): void {
  console.log(`${path}: no problems${warnings.length === 0 ? "" : ", but"}`);
  for (const text of warnings) console.log(`  ! ${text}`);
}

/** Prints each part as soon as it is known, in one piece. */
async function report(what: string, find: () => Promise<Finding[]>): Promise<Finding[]> {
  const findings = await find();
  console.log([what, ...findings.map(({ level, text }) => `  ${marks[level]} ${oneLine(text)}`)].join("\n"));
  return findings;
}

function title({ name, strategy, downstreamUrl }: Resource): string {
  if (downstreamUrl === undefined) return `downstream ${name} (${strategy.kind})`;
  const { origin, pathname } = new URL(downstreamUrl); // without the query: some servers take keys there
  return `downstream ${name} (${strategy.kind}) ${origin}${pathname}`;
}

async function resourceFindings(resource: Resource, tools: ProbeTools): Promise<Finding[]> {
  const { downstreamUrl, strategy, urls } = resource;
  const server = downstreamUrl === undefined
    ? [{ level: "ok" as const, text: `your reverse proxy carries the traffic; it has to ask ${urls.authenticate}` }]
    : await downstreamFindings(resource, new URL(downstreamUrl), tools);
  return [...server, ...await providerFindings(strategy, tools)];
}

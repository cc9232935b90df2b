// npm run docs: docs/configuration.md from the schema, so that it can't say anything else than the program does.
//   npm run docs -- --check    writes nothing, exit code 1 when the file is not up to date
import { readFileSync, writeFileSync } from "node:fs";
import type { Key, Section } from "../lib/config/key.ts";
import { sections } from "../lib/config/schema.ts";

const file = new URL("../docs/configuration.md", import.meta.url);

const introduction = `# Configuration

<!-- Written by scripts/config_reference.ts from lib/config/*schema.ts; change it there, then run: npm run docs -->

One file, [TOML](https://toml.io): \`config.toml\` in the working directory, or the one that \`-c\` or \`MCP_PROXY_CONFIG\` names.
\`mcp-oauth-proxy init\` writes one with comments, \`mcp-oauth-proxy check\` lists every problem at once and then tries each MCP server.
An unknown key is an error, so a typo can't switch anything off unnoticed.

The smallest one:

\`\`\`toml
[server]
public_url = "https://mcp.example.com"
state_secret = "env:STATE_SECRET"

[downstream.linear]
display_name = "Linear"
strategy = "passthrough"
downstream_url = "https://mcp.linear.app/mcp"
\`\`\`

**Secrets** are a literal, \`"env:NAME"\` (an environment variable) or \`"file:PATH"\` (systemd \`LoadCredential=\`, Docker and Kubernetes
secrets; a relative path starts at the folder of the configuration). They never appear in logs.

**Variables** beat the file, flags beat both: \`MCP_PROXY_STATE_SECRET\` (\`server.state_secret\`), \`MCP_PROXY_<NAME>_CLIENT_SECRET\`
(\`downstream.<name>.oauth_client_secret\`; upper case, \`-\` as \`_\`), \`LOG_LEVEL\` or \`RUST_LOG\` (\`log.level\`), \`MCP_PROXY_CONFIG\` (the path; \`MCP_OAUTH2_PROXY_CONFIG\` is read too);
\`--host\`, \`--port\`, \`--config\`.

**Times** are seconds, **sizes** are bytes. The file is read again on SIGHUP; a broken one is reported and the old one stays.
`;

/** The whole document. */
export function buildReference(): string {
  return [introduction, ...sections.map(buildSection)].join("\n");
}

function buildSection({ header, doc, keys }: Section): string {
  const entries = Object.entries(keys);
  const general = entries.filter(([, key]) => key.strategies === undefined);
  const lines = [`## \`${header}\``, "", doc, "", ...table(general)];
  for (const [strategies, title] of strategyGroups) {
    const own = entries.filter(([, key]) => key.strategies?.join() === strategies);
    if (own.length > 0) lines.push("", title, "", ...table(own));
  }
  if (header === "[downstream.NAME]") {
    lines.push("", 'A list, `[[downstream]]` with `name = "NAME"`, loads as the same thing.');
  }
  return [...lines, ""].join("\n");
}

const strategyGroups = [
  ["passthrough,chained_oauth", 'With `strategy = "passthrough"` or `"chained_oauth"`:'],
  ["passthrough", 'With `strategy = "passthrough"`:'],
  ["chained_oauth", 'With `strategy = "chained_oauth"`:'],
  ["login", 'With `strategy = "login"`:'],
] as const;

function table(entries: readonly (readonly [string, Key])[]): string[] {
  return [
    "| key | value | default | |",
    "|---|---|---|---|",
    ...entries.map(([name, key]) => `| \`${name}\` | ${kindOf(key)} | ${defaultOf(key)} | ${escape(docOf(key))} |`),
  ];
}

function kindOf(key: Key): string {
  switch (key.kind) {
    case "integer":
      return key.unit ?? "number";
    case "strings":
      return key.orOne ? "text or list of texts" : "list of texts";
    case "string":
      return "text";
    case "secrets":
      return "list of secrets";
    case "secret file":
      return "path";
    case "json":
      return "JSON";
    case "boolean":
      return "true or false";
    case "tables":
      return "tables";
    case "secret":
      return "secret";
  }
}

function defaultOf(key: Key): string {
  if ("required" in key && key.required) return "**required**";
  if (!("default" in key) || key.default === undefined) return "";
  return `\`${typeof key.default === "string" ? JSON.stringify(key.default) : key.default}\``;
}

function docOf(key: Key): string {
  const range = key.kind === "integer" && key.max < 2 ** 40 ? ` From ${key.min} to ${key.max}.` : "";
  const example = key.example === undefined ? "" : ` Example: \`${key.example}\`.`;
  return key.doc + range + example;
}

function escape(text: string): string {
  return text.replaceAll("|", "\\|");
}

function main(args: readonly string[]): number {
  if (!args.includes("--check")) {
    writeFileSync(file, buildReference());
    return 0;
  }
  if (readFileSync(file, "utf8") === buildReference()) return 0;
  console.error("docs/configuration.md is not up to date; run: npm run docs");
  return 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));

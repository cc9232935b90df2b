// The text of a new config.toml: the commented example with the answers in their places.
import example from "../config/example.toml" with { type: "text" };
import type { Answers } from "./init_questions.ts";

const serversBegin = "# ── MCP servers: one table each ──\n";
const serversEnd = "# ── end of MCP servers ──\n";

/**
 * @param stateSecret base64
 * @param answers absent: the example's own server stays
 */
export function writeConfigText(stateSecret: string, answers?: Answers): string {
  const text = replaceValue(example, "state_secret", stateSecret, "a fresh one: mcp-oauth-proxy secret");
  if (answers === undefined) return text.replace(serversEnd, "");
  const [before, after] = split(replaceValue(text, "public_url", answers["public-url"], "how clients reach the proxy"));
  return before + serversBegin + "\n" + serverTables(answers) + after.trimStart();
}

function replaceValue(text: string, key: string, value: string, comment: string): string {
  return text.replace(new RegExp(`^${key} = .*$`, "m"), () => `${key} = ${JSON.stringify(value)}  # ${comment}`);
}

/** What stands before and after the example's own server. */
function split(text: string): [before: string, after: string] {
  const begin = text.indexOf(serversBegin);
  const end = text.indexOf(serversEnd);
  if (begin === -1 || end === -1) throw new TypeError("example.toml has lost its marks around the MCP servers");
  return [text.slice(0, begin), text.slice(end + serversEnd.length)];
}

function serverTables(answers: Answers): string {
  const { name, strategy } = answers;
  const common = {
    display_name: answers["display-name"],
    strategy,
    downstream_url: answers.url,
  };
  switch (strategy) {
    case "chained_oauth":
      return table(`downstream.${name}`, {
        ...common,
        oauth_authorize_url: answers["authorize-url"],
        oauth_token_url: answers["token-url"],
        oauth_client_id: answers["client-id"],
        oauth_client_secret: answers["client-secret"],
      });
    case "login":
      return table(`downstream.${name}`, {
        ...common,
        provider: answers.provider,
        allowed_email_domains: [answers["allow-domain"]],
      }) + table(`provider.${answers.provider}`, {
        issuer: answers.issuer,
        tenant: answers.tenant,
        client_id: answers["client-id"],
        client_secret: answers["client-secret"],
      });
    default:
      return table(`downstream.${name}`, { ...common, auth_header_format: answers.header });
  }
}

/** A TOML table without the keys that have no value. JSON's strings and lists are TOML's. */
function table(header: string, values: Readonly<Record<string, string | string[]>>): string {
  const lines = Object.entries(values).filter(([, value]) => value !== "")
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [`[${header}]`, ...lines, ""].join("\n") + "\n";
}

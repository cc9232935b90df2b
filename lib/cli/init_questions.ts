// What init has to know, each asked on a terminal or taken from a flag, and checked the same way.
import { checkDomain } from "../config/address_rules.ts";
import { checkAuthHeader } from "../config/header_rules.ts";
import { checkHttpUrl, checkPublicUrl } from "../config/url_rules.ts";
import { type Options, UsageError } from "./command_line.ts";

type Name = Exclude<
  keyof Options,
  | "help"
  | "version"
  | "config"
  | "port"
  | "host"
  | "output"
  | "public"
  | "health"
  | "json"
  | "long"
  | "seconds"
  | "systemd"
>;

/** By flag; empty where it does not apply or was left empty. */
export type Answers = Readonly<Record<Name, string>>;

interface Question {
  name: Name;
  text: string;
  /** For an empty answer, and for a flag that is not given; absent: an answer is needed. */
  fallback?: (answers: Answers) => string;
  /** What is wrong with an answer, as a sentence without its subject. */
  check?: (value: string) => string | undefined;
  when?: (answers: Answers) => boolean;
}

const isChained = ({ strategy }: Answers) => strategy === "chained_oauth";
const isLogin = ({ strategy }: Answers) => strategy === "login";
const knowsClient = (answers: Answers) => isLogin(answers) || (isChained(answers) && answers["client-id"] !== "");

const strategies = ["passthrough", "chained_oauth", "login"];
const providers = ["google", "github", "entra", "oidc"];

const questions: readonly Question[] = [
  { name: "public-url", text: "How will clients reach the proxy? (https://mcp.example.com)", check: checkPublicUrl },
  { name: "name", text: "A short name for the MCP server, for its URL (linear)", check: checkName },
  {
    name: "display-name",
    text: "Its name for people",
    fallback: ({ name }) => name.slice(0, 1).toUpperCase() + name.slice(1),
  },
  { name: "url", text: "Its URL (https://mcp.linear.app/mcp)", check: checkHttpUrl },
  {
    name: "strategy",
    text: [
      "How do users get in?",
      "  passthrough    they paste an API key of the MCP server",
      "  chained_oauth  they authorize us at its service",
      "  login          they sign in at Google, GitHub, Entra or another provider",
      "Strategy",
    ].join("\n"),
    fallback: () => "passthrough",
    check: oneOf(strategies),
  },
  {
    name: "header",
    text: "How does the key travel? Bearer, token, Basic, or the name of a header such as X-API-Key",
    fallback: () => "Bearer",
    check: checkAuthHeader,
    when: ({ strategy }) => strategy === "passthrough",
  },
  {
    name: "client-id",
    text:
      "Client id of the OAuth application you registered there (empty: the MCP server has OAuth itself, we register)",
    fallback: () => "",
    when: isChained,
  },
  {
    name: "authorize-url",
    text: "Its authorize URL",
    check: checkHttpUrl,
    when: (a) => isChained(a) && a["client-id"] !== "",
  },
  { name: "token-url", text: "Its token URL", check: checkHttpUrl, when: (a) => isChained(a) && a["client-id"] !== "" },
  { name: "provider", text: `Provider: ${providers.join(", ")}`, check: oneOf(providers), when: isLogin },
  { name: "issuer", text: "Its issuer URL", check: checkHttpUrl, when: (a) => isLogin(a) && a.provider === "oidc" },
  { name: "tenant", text: "The tenant's id or domain", when: (a) => isLogin(a) && a.provider === "entra" },
  { name: "client-id", text: "Client id of the OAuth application you registered there", when: isLogin },
  { name: "client-secret", text: "Its client secret, env:NAME or file:PATH", when: knowsClient },
  {
    name: "allow-domain",
    text: "E-mail domain whose users may sign in (example.com)",
    check: checkDomain,
    when: isLogin,
  },
];

/**
 * Flags first; what is missing is asked, or is a usage error where nobody can be asked.
 *
 * @param ask a question, answered with one line; absent in a script
 * @throws UsageError
 */
export async function collectAnswers(given: Options, ask?: (question: string) => Promise<string>): Promise<Answers> {
  const answers = Object.fromEntries(questions.map(({ name }) => [name, ""])) as Record<Name, string>;
  const missing: string[] = [];
  for (const question of questions) {
    const { name, check, fallback, when } = question;
    if (when !== undefined && !when(answers)) continue;
    const flag = given[name];
    const problem = flag === undefined ? undefined : check?.(flag);
    if (problem !== undefined) throw new UsageError(`--${name} ${problem}.`);
    if (flag !== undefined) answers[name] = flag;
    else if (ask !== undefined) answers[name] = await askUntilGood(question, answers, ask);
    else if (fallback !== undefined) answers[name] = fallback(answers);
    else missing.push(`--${name}`);
  }
  if (missing.length > 0) throw new UsageError(`init needs ${missing.join(", ")} here, or a terminal to ask on.`);
  const useless = (Object.keys(given) as Name[]).filter((name) => name in answers && answers[name] === "");
  if (useless.length > 0) {
    throw new UsageError(`${useless.map((name) => `--${name}`).join(", ")} means nothing with ${answers.strategy}.`);
  }
  return answers;
}

async function askUntilGood(
  { text, check, fallback }: Question,
  answers: Answers,
  ask: (question: string) => Promise<string>,
): Promise<string> {
  const usual = fallback?.(answers);
  for (;;) {
    const line = (await ask(`${text}${usual ? ` [${usual}]` : ""}: `)).trim();
    if (line === "" && usual !== undefined) return usual;
    const problem = line === "" ? "needs an answer" : check?.(line);
    if (problem === undefined) return line;
    console.log(`  That ${problem}.`);
  }
}

function checkName(name: string): string | undefined {
  return /^[a-z0-9-]+$/.test(name) ? undefined : "must be lower-case letters, digits and hyphens";
}

function oneOf(choices: readonly string[]): (value: string) => string | undefined {
  return (value) => choices.includes(value) ? undefined : `must be one of ${choices.join(", ")}`;
}

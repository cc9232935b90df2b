import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig, parseConfig } from "../../lib/config/load.ts";
import { ConfigError, type Problem } from "../../lib/config/problems.ts";
import {
  githubTable,
  googleTable,
  linearTable,
  minimal,
  serverTable,
  stateSecret,
  wikiTable,
} from "../support/config_text.ts";

const login = serverTable + googleTable + wikiTable;

/** Replaces one thing in a configuration that loads; the test would say nothing if it weren't there. */
function change(text: string, from: string | RegExp, to: string): string {
  const changed = text.replace(from, to);
  assert.notEqual(changed, text);
  return changed;
}

const set = (line: string, text = minimal) => change(text, "[server]\n", `[server]\n${line}\n`);
const withSecret = (secret: string) => change(minimal, stateSecret, secret);
const withUrl = (url: string) => change(minimal, "https://mcp.example.com", url);
const withDownstreamUrl = (url: string) => change(minimal, "https://mcp.linear.app/sse", url);
const withDomain = (domain: string) => change(login, '"example.com"', JSON.stringify(domain));

const severalProviders = (rule: string) =>
  change(login, '"google"', '["google", "github"]').replace(/allowed_.*/, rule) +
  googleTable.replace("google", "github");

// deno-fmt-ignore: one case a line
const cases: [id: string, text: string, path: string, message: RegExp][] = [
  // [server]
  ["S1-53: public_url is required", change(minimal, /public_url.*\n/, ""), "server.public_url", /is required/],
  ["S1-53: public_url may not be empty", withUrl(""), "server.public_url", /must not be empty/],
  ["S1-53: public_url has no slash at the end", withUrl("https://a.example/"), "server.public_url", /write "https:\/\/a.example"/],
  ["S1-53: public_url is http or https", withUrl("ftp://a.example"), "server.public_url", /http or https URL \(got "ftp:/],
  ["S1-54: public_url has a scheme", withUrl("mcp.example.com"), "server.public_url", /write "https:\/\/mcp.example.com"/],
  ["public_url has no query", withUrl("https://a.example?b"), "server.public_url", /query/],
  ["public_url has no fragment", withUrl("https://a.example#b"), "server.public_url", /fragment/],
  ["public_url holds no password", withUrl("https://u:pw@a.example"), "server.public_url", /user name or password/],
  ["S1-54: a port is a number", set('port = "8080"'), "server.port", /whole number/],
  ["a port is at most 65535", set("port = 70000"), "server.port", /from 0 to 65535/],
  ["a span is positive", set("auth_code_ttl = -1"), "server.auth_code_ttl", /of seconds/],
  ["a proxy is an address", set('trusted_proxies = ["10.0.0.0/33"]'), "server.trusted_proxies", /10\.0\.0\.0\/8/],
  ["origins are named", set('allowed_origins = ["*"]'), "server.allowed_origins", /every web page/],
  ["origins have no path", set('allowed_origins = ["https://a.example/b"]'), "server.allowed_origins", /write "https:\/\/a.example"/],
  ["a boolean has no quotes", set('public_index = "yes"'), "server.public_index", /without quotes/],
  ["a list is a list", set('trusted_proxies = "10.0.0.1"'), "server.trusted_proxies", /write \["10.0.0.1"\]/],
  // the state secret
  ["S1-53: state_secret is required", change(minimal, /state_secret.*\n/, ""), "server.state_secret", /is required/],
  ["S1-54, H4: all zero is refused", withSecret("A".repeat(43) + "="), "server.state_secret", /pattern.*mcp-oauth-proxy secret/],
  ["S1-54: CHANGE_ME is refused", withSecret("CHANGE_ME_TO_A_BASE64_ENCODED_32_BYTE_STRING"), "server.state_secret", /placeholder/],
  ["state_secret is base64", withSecret("not base64!"), "server.state_secret", /must be base64.*mcp-oauth-proxy secret/],
  ["state_secret holds 32 bytes", withSecret("c2hvcnQ="), "server.state_secret", /holds 5 bytes, and 32 are needed/],
  ["an unset variable is named", withSecret("env:NOT_SET"), "server.state_secret", /variable NOT_SET is not set/],
  ["a missing file is named", withSecret("file:/run/none"), "server.state_secret", /\/run\/none: there is no such file/],
  ["shell syntax is explained", withSecret("${STATE_SECRET}"), "server.state_secret", /write "env:STATE_SECRET"/],
  ["previous secrets are checked too", set('previous_state_secrets = ["c2hvcnQ="]'), "server.previous_state_secrets", /5 bytes/],
  // unknown keys
  ["S1-54: an unknown key names the nearest", set('public_ur = "x"'), "server.public_ur", /did you mean "public_url"\?/],
  ["camelCase is recognised", set("authCodeTtl = 3"), "server.authCodeTtl", /did you mean "auth_code_ttl"\?/],
  ["a key of another table says which", set('redirects = ["claude"]'), "server.redirects", /belongs in \[clients\]/],
  ["a key of another table, mistyped", set("access_token_tll = 3"), "server.access_token_tll", /"access_token_ttl".*\[tokens\]/],
  ["a key like no other lists those known", set('zzzzzzzz = "x"'), "server.zzzzzzzz", /known here: host, port/],
  ["an unknown table names the nearest", `${minimal}[downstrem.x]\n`, "downstrem", /did you mean \[downstream\]\?/],
  ["a key before all tables", `public_url = "x"\n${minimal}`, "public_url", /belongs in \[server\]/],
  ["__proto__ is a key like any other", `${minimal}["__proto__"]\nx = 1\n`, "__proto__", /unknown table/],
  // [downstream.*]
  ["S1-53: at least one downstream", serverTable, "downstream", /\[downstream\.NAME\]/],
  ["S1-53: names are lower case", change(minimal, "downstream.linear", "downstream.Linear"), "downstream.Linear", /write "linear"/],
  ["S1-54: duplicates in a list fail", `${serverTable}${array("a")}${array("a")}`, "downstream.a", /is there twice/],
  ["a list entry needs a name", change(serverTable + array("a"), /name = "a"\n/, ""), "downstream[0]", /needs a name/],
  ["a stray key under [downstream]", `${minimal}[downstream]\nstrategy = "x"\n`, "downstream.strategy", /table of one server/],
  ["S1-53: display_name is required", change(minimal, /display_name.*\n/, ""), "downstream.linear.display_name", /is required/],
  ["S1-53: strategy is required", change(minimal, /strategy.*\n/, ""), "downstream.linear.strategy", /is required/],
  ["S1-53: strategy is a known one", change(minimal, '"passthrough"', '"passthru"'), "downstream.linear.strategy", /did you mean "passthrough"/],
  ["S1-53: downstream_url is required", change(minimal, /downstream_url.*\n/, ""), "downstream.linear.downstream_url", /is required for strategy/],
  ["S1-54: downstream_url is parsed", withDownstreamUrl("http://[::1/mcp"), "downstream.linear.downstream_url", /http or https URL/],
  ["S1-53: downstream_url is http or https", withDownstreamUrl("htp://x"), "downstream.linear.downstream_url", /got "htp:\/\/x"/],
  ["downstream_url holds no password", withDownstreamUrl("https://u:pw@x/mcp"), "downstream.linear.downstream_url", /user name or password/],
  ["a downstream is not the proxy itself", withDownstreamUrl("https://mcp.example.com/mcp/a"), "downstream.linear.downstream_url", /this proxy/],
  ["S1-53: a header has a legal name", `${minimal}auth_header_format = "X API"\n`, "downstream.linear.auth_header_format", /name of a header/],
  ["a header line is no header name", `${minimal}auth_header_format = "Authorization: Bearer"\n`, "downstream.linear.auth_header_format", /write "Bearer"/],
  ["Host carries no credential", `${minimal}auth_header_format = "Host"\n`, "downstream.linear.auth_header_format", /can't carry/],
  ["Content-Type carries no credential", `${minimal}auth_header_format = "content-type"\n`, "downstream.linear.auth_header_format", /can't carry/],
  ["Connection carries no credential", `${minimal}auth_header_format = "Connection"\n`, "downstream.linear.auth_header_format", /can't carry/],
  ["a path needs a host", `${minimal}path = "/mcp"\n`, "downstream.linear.path", /published at \/mcp\/linear/],
  ["S2-53: a host is not empty", `${minimal}host = ""\n`, "downstream.linear.host", /must not be empty/],
  ["a host has no scheme", `${minimal}host = "https://a.example/b"\n`, "downstream.linear.host", /write "a.example"/],
  ["a host is exact", `${minimal}host = "*.example.com"\n`, "downstream.linear.host", /one exact host/],
  ["a host is not that of public_url", `${minimal}host = "mcp.example.com"\n`, "downstream.linear.host", /host of server.public_url/],
  ["a host's path starts with a slash", `${minimal}host = "a.example"\npath = "mcp"\n`, "downstream.linear.path", /write "\/mcp"/],
  ["a host's path is not the page of what is connected", `${minimal}host = "a.example"\npath = "/apps"\n`, "downstream.linear.path", /path of the proxy itself/],
  ["a host's path is not one of ours", `${minimal}host = "a.example"\npath = "/token"\n`, "downstream.linear.path", /path of the proxy itself/],
  ["two servers can't share a host", `${minimal}host = "a.example"\n${githubTable}host = "A.example:443"\n`, "downstream.github.host", /downstream.linear already/],
  ["forward_auth needs to know who may ask", `${minimal}forward_auth = true\n`, "downstream.linear.forward_auth", /server.trusted_proxies = \["127.0.0.1"\]/],
  ["D8: raw_access_tokens and login exclude each other", `${login}raw_access_tokens = true\n`, "downstream.wiki.raw_access_tokens", /passthrough and chained_oauth/],
  ["a rule for users under passthrough would protect nothing", `${minimal}allowed_users = ["a"]\n`, "downstream.linear.allowed_users", /strategy login/],
  // chained_oauth
  ["S1-53: oauth_token_url is required", change(serverTable + githubTable, /oauth_token_url.*\n/, ""), "downstream.github.oauth_token_url", /is required next to/],
  ["S1-53: a client secret is required", change(serverTable + githubTable, /oauth_client_secret.*\n/, ""), "downstream.github.oauth_client_secret", /MCP_PROXY_GITHUB_CLIENT_SECRET/],
  ["S1-54: a shipped client secret is refused", change(serverTable + githubTable, '"shh"', '"placeholder"'), "downstream.github.oauth_client_secret", /is a placeholder/],
  ["S1-54: oauth URLs are parsed", change(serverTable + githubTable, "https://github.com/login/oauth/authorize", "github"), "downstream.github.oauth_authorize_url", /http or https URL/],
  // login and providers
  ["D7, S2-62: no rule lets nobody in", change(login, /allowed_.*\n/, ""), "downstream.wiki", /nobody may sign in.*allow_everyone/],
  ["D7: an empty rule lets nobody in", change(login, '["example.com"]', "[]"), "downstream.wiki", /nobody may sign in/],
  ["S2-62: with several providers a user has to say which", severalProviders('allowed_users = ["bob@example.com", "google|1", "ada"]'), "downstream.wiki.allowed_users", /write "google\|ada"/],
  ["S2-62: groups that nobody tells can't hold (Google)", change(login, /allowed_.*/, 'allowed_groups = ["eng"]'), "downstream.wiki.allowed_groups", /service_account_file/],
  ["S2-62: groups that nobody tells can't hold (GitHub)", change(change(login, /allowed_.*/, 'allowed_groups = ["eng"]'), "[provider.google]", '[provider.google]\nkind = "github"'), "downstream.wiki.allowed_groups", /organization/],
  ["admin_email is of use to a service account only", change(login, "[provider.google]", '[provider.google]\nadmin_email = "a@example.com"'), "provider.google.admin_email", /service_account_file/],
  ["RFC 7009: GitHub has no endpoint to revoke at", `${login}[provider.github]\nclient_id = "a"\nclient_secret = "b"\nrevoke_at_provider = true\n`, "provider.github.revoke_at_provider", /only means something with kind = "google" or "oidc"/],
  ["S2-57: an account is `metadata` or an address", change(login, "[provider.google]", '[provider.google]\nservice_account = "default"'), "provider.google.service_account", /must be "metadata" or the address of a service account/],
  ["a rule and allow_everyone contradict", `${login}allow_everyone = true\n`, "downstream.wiki.allow_everyone", /contradicts allowed_email_domains/],
  ["S2-55: domains are no regular expressions", withDomain(".*\\.example\\.com$"), "downstream.wiki.allowed_email_domains", /regular expression/],
  ["S2-55: a domain is not an address", withDomain("a@example.com"), "downstream.wiki.allowed_email_domains", /write "example.com"/],
  ["S2-55: * stands for whole labels at the start", withDomain("*example.com"), "downstream.wiki.allowed_email_domains", /must be a domain/],
  ["a provider exists", change(login, '"google"', '"goggle"'), "downstream.wiki.provider", /did you mean "google"/],
  ["a login needs a provider", change(serverTable + wikiTable, /provider.*\n/, ""), "downstream.wiki.provider", /\[provider\.google\]/],
  ["S2-53: a provider's client_id is required", change(login, /client_id.*\n/, ""), "provider.google.client_id", /is required/],
  ["S2-53: a provider's client_secret is required", change(login, /client_secret.*\n/, ""), "provider.google.client_secret", /is required/],
  ["S2-53: a provider's kind is a known one", `${login}[provider.okta]\nkind = "okta"\nclient_id = "a"\nclient_secret = "b"\n`, "provider.okta.kind", /must be one of google/],
  ["a provider of another name needs a kind", `${login}[provider.work]\nclient_id = "a"\nclient_secret = "b"\n`, "provider.work", /needs a kind/],
  ["oidc needs an issuer", `${login}[provider.oidc]\nclient_id = "a"\nclient_secret = "b"\n`, "provider.oidc.issuer", /is required/],
  ["S2-58: organization and key go together", `${login}[provider.github]\nclient_id = "a"\nclient_secret = "b"\norganization = "o"\n`, "provider.github.app_private_key_file", /go together/],
  ["a key of another kind is refused", `${login}[provider.github]\nclient_id = "a"\nclient_secret = "b"\ntenant = "o"\n`, "provider.github.tenant", /kind = "entra"/],
  ["S2-53: null hosts have no form in TOML, and a provider is a table", `provider = "google"\n${minimal}`, "provider", /must be a table/],
  ["tool scopes are single scopes", `${login}[[downstream.wiki.tool_scopes]]\nname = "a b"\ntools = ["c"]\n`, "downstream.wiki.tool_scopes[0].name", /one scope/],
  ["tool scopes have tools", `${login}[[downstream.wiki.tool_scopes]]\nname = "a"\n`, "downstream.wiki.tool_scopes[0].tools", /is required/],
  // clients
  ["a redirect is a preset or a URI", `${minimal}[clients]\nredirects = ["claud"]\n`, "clients.redirects", /did you mean "claude"/],
  ["redirects have no wildcards", `${minimal}[clients]\nredirects = ["https://*.example.com/cb"]\n`, "clients.redirects", /no wildcards/],
  ["S1-08: redirects are https or loopback", `${minimal}[clients]\nredirects = ["http://a.example/cb"]\n`, "clients.redirects", /must be https/],
  ["a client has redirect URIs", `${minimal}[client.agent]\n`, "client.agent.redirect_uris", /is required/],
  ["a client proves itself in one way", `${minimal}[client.agent]\nredirect_uris = ["https://a.example"]\nclient_secret = "a"\njwks_uri = "https://a.example/k"\n`, "client.agent", /more than one of/],
  ["a client's JWKS holds no private key", `${minimal}[client.agent]\nredirect_uris = ["https://a.example"]\njwks = { keys = [{ kty = "EC", d = "x" }] }\n`, "client.agent.jwks", /private key/],
  // the rest
  ["a store has a known scheme", `${minimal}[store]\nurl = "postgres://x"\n`, "store.url", /sqlite:PATH/],
  ["S2-54: a log level is a known one", `${minimal}[log]\nlevel = "loud"\n`, "log.level", /fatal, error, warning, info, debug, trace/],
  ["metrics listen on an address and a port", `${minimal}[metrics]\nlisten = "9090"\n`, "metrics.listen", /127\.0\.0\.1:9090/],
  ["a key for each minute of a year is too many", `${minimal}[tokens]\naccess_token_ttl = 31536000\nsigning_key_rotation = 60\n`, "tokens.signing_key_rotation", /write 78840 or more/],
  ["a signing key is a private key", `${minimal}[tokens]\nprivate_key_file = "k.pem"\n`, "tokens.private_key_file", /can't read the file k.pem/],
];

function array(name: string): string {
  return linearTable.replace("[downstream.linear]", `[[downstream]]\nname = "${name}"`);
}

function problemsOf(text: string, env = {}): readonly Problem[] {
  try {
    parseConfig(text, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  assert.fail("it loaded");
}

for (const [id, text, path, message] of cases) {
  test(`${id}: refused, once, at ${path}`, () => {
    const problems = problemsOf(text);
    assert.equal(problems.length, 1, JSON.stringify(problems, null, 1));
    assert.equal(problems[0]!.path, path);
    assert.match(problems[0]!.message, message);
    assert.ok(!problems[0]!.message.includes("pw"), "quotes a password");
  });
}

test("a URL in a message has neither user nor query, a file's path is not quoted when it is the key itself", () => {
  const problemsOf = (lines: string) => {
    try {
      parseConfig(`${serverTable}${lines}`);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  for (
    const lines of [
      `${linearTable}verify_url = "htp://user:s3cr3t@h.example/"`,
      `${linearTable}verify_url = "https://h.example /?api_key=s3cr3t"`,
      `${linearTable}verify_url = "h.example/?api_key=s3cr3t"`,
      `${linearTable}verify_url = ["https://user:s3cr3t@h.example/?api_key=s3cr3t"]`,
      `${linearTable}[tokens]\nprivate_key_file = "-----BEGIN PRIVATE KEY-----\\ns3cr3t"`,
    ]
  ) {
    const message = problemsOf(lines);
    assert.match(message, /verify_url|private_key_file/);
    assert.doesNotMatch(message, /s3cr3t/);
  }
});

test("S1-53: all problems are reported at once, in the order of the file, each with its line", () => {
  const text = `[server]
public_url = "mcp.example.com"
state_secret = "c2hvcnQ="
prot = 80

[downstream.linear]
display_name = "Linear"
strategy = "passthrough"
downstream_url = "htp://x"

[[downstream.linear.tool_scopes]]
name = "a"
`;
  assert.deepEqual(problemsOf(text).map(({ path, line }) => [line, path]), [
    [2, "server.public_url"],
    [3, "server.state_secret"],
    [4, "server.prot"],
    [9, "downstream.linear.downstream_url"],
    [11, "downstream.linear.tool_scopes"],
  ]);
});

test("a problem of a variable carries the variable's name and no line", () => {
  assert.deepEqual(
    problemsOf(minimal, { MCP_PROXY_STATE_SECRET: "c2hvcnQ=", LOG_LEVEL: "loud" }).map((
      { path, line },
    ) => [path, line]),
    [["MCP_PROXY_STATE_SECRET", undefined], ["LOG_LEVEL", undefined]],
  );
});

test("a syntax error has its line and quotes nothing of the file", () => {
  const [problem, ...others] = problemsOf(`${serverTable}oops = "very-secret\n`);
  assert.deepEqual(others, []);
  assert.equal(problem!.line, 4);
  assert.match(problem!.message, /not valid TOML/);
  assert.ok(!problem!.message.includes("very-secret") && !problem!.message.includes(stateSecret));
});

test("S1-54: the same table twice is a syntax error with the line of the second", () => {
  const [problem, ...others] = problemsOf(minimal + linearTable);
  assert.deepEqual(others, []);
  assert.equal(problem!.line, 8);
  assert.match(problem!.message, /not valid TOML/);
});

test("a missing file says how to get one", async () => {
  await assert.rejects(
    loadConfig({ path: "/nowhere/config.toml", env: {} }),
    (error) => error instanceof ConfigError && /there is no such file; .*mcp-oauth-proxy init/.test(error.message),
  );
});

for (
  const secret of [
    stateSecret,
    stateSecret.replace("=", ""),
    stateSecret.replaceAll("+", "-").replaceAll("/", "_"),
    stateSecret.replaceAll("+", "-").replaceAll("/", "_").replace("=", ""),
  ]
) {
  test(`a state secret may be written as ${secret}, and means the same`, () => {
    assert.equal(parseConfig(minimal.replace(stateSecret, secret)).server.stateSecret.reveal(), stateSecret);
  });
}

test("S2-57: the machine's account and a file are two accounts", () => {
  const keys = '[provider.google]\nservice_account = "metadata"\nservice_account_file = "key.json"';
  const text = change(login, "[provider.google]", keys);
  assert.throws(
    () => parseConfig(text, {}, () => "{}"),
    (error: ConfigError) => /service_account: can't be metadata with service_account_file/.test(error.message),
  );
});

test("without public_url the rest is read all the same, so that every problem is named at once", () => {
  for (const published of ["", 'host = "wiki.example.com"\n', 'host = "not a host"\n']) {
    assert.throws(() => parseConfig(`[downstream.x]\n${published}`), (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, /^server\.public_url: is required/m);
      assert.match(error.message, /downstream\.x\.display_name: is required/);
      return true;
    });
  }
});

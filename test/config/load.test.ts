import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { test } from "node:test";
import { loadConfig, parseConfig } from "../../lib/config/load.ts";
import type { ChainedOAuthConfig, LoginConfig } from "../../lib/config/config.ts";
import {
  githubTable,
  googleTable,
  linearTable,
  minimal,
  serverTable,
  stateSecret,
  wikiTable,
} from "../support/config_text.ts";

/** A configuration as seed 1 documents it, every key of seeds.md §1.9. */
const seedOne = `
[server]
host = "0.0.0.0"
port = 8080
public_url = "https://mcp.example.com"
state_secret = "${stateSecret}"
auth_code_ttl = 300

[downstream.linear]
display_name = "Linear"
strategy = "passthrough"
downstream_url = "https://mcp.linear.app/sse"
auth_header_format = "Bearer"
scopes = ""
auth_hint = "Settings > API"
oauth_authorize_url = "ignored under passthrough"

[downstream.search]
display_name = "Search"
strategy = "passthrough"
downstream_url = "http://search:3000/mcp"
auth_header_format = "X-API-Key"

[downstream.github]
display_name = "GitHub"
strategy = "chained_oauth"
downstream_url = "https://api.githubcopilot.com/mcp/"
auth_header_format = "token"
oauth_authorize_url = "https://github.com/login/oauth/authorize"
oauth_token_url = "https://github.com/login/oauth/access_token"
oauth_client_id = "Iv1.abc"
oauth_client_secret = "shh"
oauth_scopes = "repo read:org"
oauth_supports_refresh = true
oauth_token_accept = "application/json"
`;

test("S1-53: a configuration of seed 1 loads unchanged and keeps its URLs", () => {
  const config = parseConfig(seedOne);
  assert.deepEqual(config.resources.map(({ name, strategy }) => [name, strategy.kind]), [
    ["linear", "passthrough"],
    ["search", "passthrough"],
    ["github", "chained_oauth"],
  ]);
  assert.equal(config.resources[0]!.urls.resource, "https://mcp.example.com/mcp/linear");
  assert.equal(config.resources[0]!.urls.issuer, "https://mcp.example.com/mcp/linear");
  assert.equal(config.resources[1]!.authHeaderFormat, "X-API-Key");
  const github = config.resources[2]!.strategy as ChainedOAuthConfig;
  assert.deepEqual(github.providerScopes, ["repo", "read:org"]);
  assert.equal(github.supportsRefresh, true);
  assert.equal(github.provider?.clientSecret?.reveal(), "shh");
  assert.deepEqual(config.warnings, [
    'downstream.linear.oauth_authorize_url: ignored, because it only means something with strategy = "chained_oauth"',
  ]);
});

test("S1-53: defaults are those of the contract", () => {
  const { server, tokens, store, clients, rateLimit, log, metrics, resources } = parseConfig(minimal);
  assert.deepEqual(
    { ...server, stateSecret: server.stateSecret.reveal() },
    {
      host: "0.0.0.0",
      port: 8080,
      publicUrl: "https://mcp.example.com",
      stateSecret,
      previousStateSecrets: [],
      retiredStateSecrets: [],
      authCodeTtlSeconds: 300,
      loginTtlSeconds: 600,
      trustedProxies: [],
      allowedOrigins: [],
      bodyLimitBytes: 10485760,
      connectTimeoutSeconds: 10,
      idleTimeoutSeconds: 600,
      sseKeepaliveSeconds: 20,
      shutdownGraceSeconds: 10,
      publicIndex: true,
    },
  );
  assert.deepEqual(tokens, {
    accessTokenTtlSeconds: 3600,
    refreshTokenTtlSeconds: 2592000,
    refreshGraceSeconds: 60,
    signingKeyRotationSeconds: 86400,
    privateKey: undefined,
  });
  assert.equal(store.url.reveal(), "memory:");
  assert.deepEqual(clients.redirects, ["claude", "chatgpt", "cursor", "vscode", "inspector", "loopback"]);
  assert.deepEqual([clients.clientIdMetadataDocuments, clients.dynamicRegistration], [true, true]);
  assert.equal(clients.allowLoopbackMetadata, false);
  assert.deepEqual(rateLimit, { perAddress: 600, perClient: 300 });
  assert.deepEqual(log, { level: "info", format: "json" });
  assert.equal(metrics, undefined);
  assert.equal(resources[0]!.authHeaderFormat, "Bearer");
  assert.equal(resources[0]!.rawAccessTokens, false);
});

test("S1-54: [[downstream]] with a name loads as the same thing as [downstream.NAME]", () => {
  const listed = linearTable.replace("[downstream.linear]", '[[downstream]]\nname = "linear"');
  assert.deepEqual(parseConfig(serverTable + listed).resources, parseConfig(minimal).resources);
});

test("secrets come from variables and files, without the line break at the end", () => {
  const text = minimal.replace(stateSecret, "env:SECRET").replace(
    "[server]",
    '[server]\nprevious_state_secrets = ["file:/run/old"]',
  );
  const { server } = parseConfig(
    text,
    { SECRET: stateSecret },
    (path) => `${path === "/run/old" ? stateSecret : ""}\r\n`,
  );
  assert.equal(server.stateSecret.reveal(), stateSecret);
  assert.equal(server.previousStateSecrets[0]!.reveal(), stateSecret);
});

test("a loaded configuration prints no secret", () => {
  const config = parseConfig(serverTable + githubTable);
  for (const printed of [JSON.stringify(config), inspect(config, { depth: 10 }), `${config.server.stateSecret}`]) {
    assert.ok(printed.includes("[secret]"));
    assert.ok(!printed.includes(stateSecret) && !printed.includes("shh"));
  }
});

test("D1, S2-53: a server with a host of its own has its issuer and its resource there", () => {
  const text = serverTable + googleTable + wikiTable + 'host = "Wiki-MCP.example.com:443"\n';
  const wiki = parseConfig(text).resources[0]!;
  assert.deepEqual(wiki.ownHost, { host: "wiki-mcp.example.com", path: "/mcp" });
  assert.equal(wiki.urls.issuer, "https://wiki-mcp.example.com");
  assert.equal(wiki.urls.resource, "https://wiki-mcp.example.com/mcp");
  assert.equal(wiki.downstreamUrl, undefined);
  assert.deepEqual((wiki.strategy as LoginConfig).providers, ["google"]);
});

test("login: tool scopes, credential, several providers", () => {
  const text = serverTable + googleTable + '[provider.github]\nclient_id = "a"\nclient_secret = "b"\n' +
    wikiTable.replace('"google"', '["google", "github"]') + 'credential = "key"\nidentity_headers = true\n' +
    '[[downstream.wiki.tool_scopes]]\nname = "wiki:read"\ntools = ["search"]\n';
  const strategy = parseConfig(text).resources[0]!.strategy as LoginConfig;
  assert.deepEqual(strategy.providers, ["google", "github"]);
  assert.equal(strategy.credential?.reveal(), "key");
  assert.equal(strategy.identityHeaders, true);
  assert.deepEqual(strategy.toolScopes, [{ name: "wiki:read", description: "wiki:read", tools: ["search"] }]);
});

test("chained_oauth without the four oauth_* keys is discovered from the downstream", () => {
  const text = serverTable + linearTable.replace("passthrough", "chained_oauth");
  assert.equal((parseConfig(text).resources[0]!.strategy as ChainedOAuthConfig).provider, undefined);
});

for (
  const [given, canonical] of [
    ["Bearer", "Bearer"],
    ["bearer", "Bearer"],
    ["Token", "token"],
    ["basic", "Basic"],
    ["X-API-Key", "X-API-Key"],
    ["Authorization", "Authorization"],
    ["Private-Token", "Private-Token"],
  ] as const
) {
  test(`S1-42: auth_header_format = "${given}" means ${canonical}`, () => {
    assert.equal(parseConfig(`${minimal}auth_header_format = "${given}"\n`).resources[0]!.authHeaderFormat, canonical);
  });
}

for (
  const [what, change, warning] of [
    ["an http public_url", (t: string) => t.replace("https://mcp.ex", "http://mcp.ex"), /^server\.public_url: is http/],
    [
      "raw access tokens (D8)",
      (t: string) => `${t}raw_access_tokens = true\n`,
      /^downstream\.linear\.raw_access_tokens/,
    ],
    ["a credential in clear to a public host", (t: string) => t.replace("https://mcp.li", "http://mcp.li"), /in clear/],
    ["any web site as a client", (t: string) => `${t}[clients]\nredirects = ["https"]\n`, /^clients\.redirects/],
    ["a provider that nobody uses", (t: string) => t + googleTable, /^provider\.google: no downstream/],
    [
      "every proxy trusted",
      (t: string) => t.replace("[server]", '[server]\ntrusted_proxies = ["0.0.0.0/0"]'),
      /trusted_proxies/,
    ],
    [
      "everyone allowed (D7)",
      () => serverTable + googleTable + wikiTable.replace(/allowed_.*/, "allow_everyone = true"),
      /^downstream\.wiki\.allow_everyone/,
    ],
  ] as const
) {
  test(`${what} loads with a warning`, () => {
    const { warnings } = parseConfig(change(minimal));
    assert.equal(warnings.length, 1, warnings.join("\n"));
    assert.match(warnings[0]!, warning);
  });
}

for (const url of ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"]) {
  test(`S1-53: public_url ${url} is on loopback and needs no warning`, () => {
    const config = parseConfig(minimal.replace("https://mcp.example.com", url));
    assert.deepEqual(config.warnings, []);
    assert.equal(config.server.publicUrl, url);
  });
}

for (
  const url of ["http://wiki:3000/mcp", "http://192.168.1.7/mcp", "http://127.0.0.1:3000/sse", "http://wiki.lan/mcp"]
) {
  test(`the downstream ${url} is inside, and fine without a warning`, () => {
    assert.deepEqual(parseConfig(minimal.replace("https://mcp.linear.app/sse", url)).warnings, []);
  });
}

test("public_url is kept in one spelling: lower case, no default port", () => {
  assert.equal(
    parseConfig(minimal.replace("mcp.example.com", "MCP.Example.com:443")).server.publicUrl,
    "https://mcp.example.com",
  );
});

test("the example loads once it has a state secret", () => {
  const text = readFileSync(new URL("../../lib/config/example.toml", import.meta.url), "utf8");
  const config = parseConfig(text, { MCP_PROXY_STATE_SECRET: stateSecret });
  assert.deepEqual(config.resources.map(({ name }) => name), ["linear"]);
  assert.deepEqual(config.warnings, []);
  const everything = text.replace(/^# (?=[\[a-z_]+.*(=|\]))/gm, "");
  const env = {
    MCP_PROXY_STATE_SECRET: stateSecret,
    OLD_STATE_SECRET: stateSecret,
    OLDER_STATE_SECRET: stateSecret,
    GITHUB_SECRET: "a",
    GOOGLE_CLIENT_SECRET: "b",
    AGENT_SECRET: "c",
  };
  assert.deepEqual(parseConfig(everything, env).resources.map(({ name }) => name), ["linear", "github", "wiki"]);
});

test("loadConfig reads the file, finds secrets beside it, and lets flags beat it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "config-"));
  try {
    writeFileSync(join(folder, "state"), `${stateSecret}\n`);
    writeFileSync(join(folder, "config.toml"), minimal.replace(stateSecret, "file:state"));
    const config = await loadConfig({
      path: join(folder, "config.toml"),
      env: {},
      overrides: { host: "127.0.0.1", port: 0 },
      isTerminal: true,
    });
    assert.deepEqual([config.server.host, config.server.port, config.log.format], ["127.0.0.1", 0, "text"]);
    assert.equal(config.server.stateSecret.reveal(), stateSecret);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

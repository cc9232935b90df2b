import assert from "node:assert/strict";
import { test } from "node:test";
import { createRedirectPolicy } from "../../lib/clients/redirect_policy.ts";
import { redirectPresets } from "../../lib/clients/redirect_presets.ts";
import { redirectPresets as configuredNames } from "../../lib/config/address_rules.ts";
import { parseRedirectUri } from "../../lib/oauth/redirect_uri.ts";

const everyPreset = [...redirectPresets.keys()];
const allowed = (rules: readonly string[], uri: string) => createRedirectPolicy(rules).refusalOf(uri) === undefined;

const realCallbacks: [preset: string, uri: string][] = [
  ["claude", "https://claude.ai/api/mcp/auth_callback"],
  ["claude", "https://claude.com/api/mcp/auth_callback"],
  ["claude", "http://localhost:54212/callback"],
  ["claude", "http://127.0.0.1/callback"],
  ["chatgpt", "https://chatgpt.com/connector_platform_oauth_redirect"],
  ["chatgpt", "https://chatgpt.com/connector/oauth/kDmjx77UnKOM"],
  ["chatgpt", "https://chatgpt.com/connector/oauth/jKP_NLo_VszT"],
  ["chatgpt", "https://platform.openai.com/apps-manage/oauth"],
  ["cursor", "cursor://anysphere.cursor-mcp/oauth/callback"],
  ["cursor", "https://www.cursor.com/agents/mcp/oauth/callback"],
  ["cursor", "http://localhost:8787/callback"],
  ["vscode", "https://vscode.dev/redirect"],
  ["vscode", "https://insiders.vscode.dev/redirect"],
  ["vscode", "http://127.0.0.1:33418/"],
  ["vscode", "http://127.0.0.1/"],
  ["inspector", "http://localhost:6274/oauth/callback"],
  ["inspector", "http://127.0.0.1:6276/oauth/callback"],
  ["inspector", "http://localhost:6274/oauth/callback/debug"],
  ["loopback", "http://localhost:14552/oauth/callback"],
  ["loopback", "http://[::1]:9/cb?x=1"],
];
for (const [preset, uri] of realCallbacks) {
  test(`S2-18: the preset ${preset} allows ${uri}, and no rule at all refuses it`, () => {
    assert.equal(allowed([preset], uri), true);
    assert.equal(allowed([], uri), false);
  });
}

const payloads = [
  "https://claude.ai@evil.example/api/mcp/auth_callback",
  "https://claude.ai:443@evil.example/api/mcp/auth_callback",
  "https://evil.example/https://claude.ai/api/mcp/auth_callback",
  "https://evil.example/?https://claude.ai/api/mcp/auth_callback",
  "https://claude.ai.evil.example/api/mcp/auth_callback",
  "https://evilclaude.ai/api/mcp/auth_callback",
  "https://claude.ai./api/mcp/auth_callback",
  "https://claude.ai:8443/api/mcp/auth_callback",
  "https://claude.ai/api/mcp/auth_callback/",
  "https://claude.ai/api/mcp/auth_callback?next=https://evil.example",
  "https://claude.ai/api/mcp/auth_callback#x",
  "https://claude.ai/api/mcp/auth_callback#@evil.example",
  "https://claude.ai/api/mcp/../../evil",
  "https://claude.ai/api/mcp/auth_callback/../../../evil",
  "https://claude.ai/api/mcp/%2e%2e/auth_callback",
  "https://claude.ai/API/mcp/auth_callback",
  "https://CLAUDE.ai/api/mcp/auth_callback",
  "https://claude.ai\\@evil.example/api/mcp/auth_callback",
  "https://evil.example\\.claude.ai/api/mcp/auth_callback",
  "https:/\\claude.ai/api/mcp/auth_callback",
  "https:\\\\claude.ai/api/mcp/auth_callback",
  "https:///claude.ai/api/mcp/auth_callback",
  "https:claude.ai/api/mcp/auth_callback",
  "//claude.ai/api/mcp/auth_callback",
  "/api/mcp/auth_callback",
  " https://claude.ai/api/mcp/auth_callback",
  "https://claude.ai/api/mcp/auth_callback ",
  "https://claude.ai/api/mcp/auth_callback\n",
  "https://cla\tude.ai/api/mcp/auth_callback",
  "https://claude.ai\u0000.evil.example/api/mcp/auth_callback",
  "https://сlaude.ai/api/mcp/auth_callback", // a Cyrillic с
  "https://xn--laude-3ve.ai/api/mcp/auth_callback",
  "https://claude。ai/api/mcp/auth_callback", // an ideographic full stop
  "https://claude%2eai/api/mcp/auth_callback",
  "https://claude.ai%2f@evil.example/api/mcp/auth_callback",
  "http://claude.ai/api/mcp/auth_callback",
  "ftp://claude.ai/api/mcp/auth_callback",
  "https://chatgpt.com/connector/oauth/",
  "https://chatgpt.com/connector/oauth/a/b",
  "https://chatgpt.com/connector/oauth/../../evil",
  "https://chatgpt.com/connector/oauth/a?b=c",
  "https://chatgpt.com/connector/oauth/a%2f..%2fb",
  "https://chatgpt.com.evil.example/connector/oauth/abc",
  `https://chatgpt.com/connector/oauth/${"a".repeat(129)}`,
  "https://chatgpt.com/connector/oauth/abc\nhttps://evil.example",
  "cursor://evil.example/oauth/callback",
  "cursor://anysphere.cursor-mcp/oauth/callback/x",
  "CURSOR://anysphere.cursor-mcp/oauth/callback",
  "vscode://evil/redirect",
  "http://localhost.evil.example/callback",
  "http://127.0.0.1.evil.example/callback",
  "http://127.0.0.1@evil.example/callback",
  "http://localhost@evil.example/callback",
  "http://localhost:80@evil.example/callback",
  "http://localhost\\@evil.example/callback",
  "http://evil.example#@localhost/callback",
  "http://evil.example/localhost/callback",
  "http://localhost%2eevil.example/callback",
  "http://0.0.0.0/callback",
  "http://[::ffff:127.0.0.1]/callback",
  "http://10.0.0.1/callback",
  "http://localhost./callback",
  "javascript:alert(1)//claude.ai",
  "JavaScript://claude.ai/%0aalert(1)",
  "java\nscript:alert(1)",
  "data:text/html,https://claude.ai/",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://claude.ai/x",
  "about:blank",
  "view-source:https://claude.ai/",
  "",
  "claude",
  "https://",
];
for (const uri of payloads) {
  test(`S1-08: all presets together refuse ${JSON.stringify(uri)}`, () => {
    assert.equal(allowed([...everyPreset, "loopback"], uri), false);
  });
}

test("`https` allows any https URI that is plain, and nothing else", () => {
  assert.equal(allowed(["https"], "https://agent.example/cb?tenant=1"), true);
  assert.equal(allowed(["https"], "https://agent.example:8443/cb"), true);
  for (
    const uri of [
      "http://agent.example/cb",
      "http://localhost/cb",
      "https://user@agent.example/",
      "https:agent.example",
      "app://cb",
    ]
  ) {
    assert.equal(allowed(["https"], uri), false, uri);
  }
});

test("an exact URI allows itself only; a loopback one allows every port (RFC 8252 §7.3)", () => {
  const rules = ["https://agent.example/cb", "http://localhost:3000/cb", "my.app:/cb"];
  assert.equal(allowed(rules, "https://agent.example/cb"), true);
  assert.equal(allowed(rules, "https://agent.example/cb/"), false);
  assert.equal(allowed(rules, "https://agent.example/cb?x"), false);
  assert.equal(allowed(rules, "http://localhost:4000/cb"), true);
  assert.equal(allowed(rules, "http://localhost/cb"), true);
  assert.equal(allowed(rules, "http://127.0.0.1:3000/cb"), false);
  assert.equal(allowed(rules, "my.app:/cb"), true);
  assert.equal(allowed(rules, "my.app:/cb2"), false);
});

test("an empty string in the rules never matches (S2-18)", () => {
  assert.equal(allowed([""], "https://claude.ai/api/mcp/auth_callback"), false);
  assert.equal(allowed([""], ""), false);
});

for (
  const [rules, uri, line] of [
    [["claude"], "cursor://anysphere.cursor-mcp/oauth/callback", 'redirects = ["claude", "cursor"]'],
    [["loopback"], "https://chatgpt.com/connector/oauth/abc", 'redirects = ["loopback", "chatgpt"]'],
    [["cursor"], "http://[::1]:1/x", 'redirects = ["cursor", "loopback"]'],
    [[], "https://agent.example/cb?a=1,2", 'redirects = ["https://agent.example/cb?a=1,2"]'],
    [["https"], "zed://oauth/cb", 'redirects = ["https", "zed://oauth/cb"]'],
  ] as const
) {
  test(`the refusal of ${uri} tells the operator the line to write, and that line allows it`, () => {
    const refusal = createRedirectPolicy(rules).refusalOf(uri);
    assert.equal(refusal?.operatorHint, `[clients]\n${line}`);
    assert.equal(allowed(JSON.parse(line.slice("redirects = ".length)), uri), true);
  });
}

test("the line for the operator names none of the operator's own addresses: strangers read it as well", () => {
  const rules = ["claude", "https://intranet.example/callback", "loopback"];
  const { operatorHint } = createRedirectPolicy(rules).refusalOf("https://agent.example/cb")!;
  assert.equal(
    operatorHint,
    '[clients]\nredirects = ["claude", "loopback", "https://agent.example/cb"] # and the URIs that stand there already',
  );
});

test("a URI that no rule could allow says what is wrong with it and has no line to write", () => {
  for (
    const [uri, reason] of [
      ["http://agent.example/cb", /must be https/],
      ["https://agent.example/cb#x", /fragment/],
      ["https://user@agent.example/cb", /user name/],
      ["javascript:alert(1)", /absolute https URL/],
    ] as const
  ) {
    const refusal = createRedirectPolicy(["https"]).refusalOf(uri);
    assert.match(refusal!.reason, reason);
    assert.equal(refusal!.operatorHint, undefined);
  }
});

test("every URI of every preset is one that may be registered at all", () => {
  for (const [name, { uris }] of redirectPresets) {
    for (const uri of uris) assert.notEqual(parseRedirectUri(uri), undefined, `${name}: ${uri}`);
  }
});

test("the configuration takes exactly the names that the policy knows", () => {
  assert.deepEqual([...configuredNames].toSorted(), [...everyPreset, "loopback", "https"].toSorted());
});

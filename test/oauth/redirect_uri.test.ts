import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopbackRedirect, isRegisteredRedirectUri, parseRedirectUri } from "../../lib/oauth/redirect_uri.ts";

const good = [
  "https://claude.ai/api/mcp/auth_callback",
  "https://client.example/cb?tenant=1",
  "http://127.0.0.1:33418/",
  "http://localhost:6274/oauth/callback",
  "http://[::1]:8080/cb",
  "cursor://anysphere.cursor-mcp/oauth/callback",
  "com.example.app:/oauth",
];
for (const uri of good) {
  test(`S1-08: ${uri} may be registered`, () => assert.ok(parseRedirectUri(uri)));
}

const bad = [
  "",
  "not a url",
  "//evil.example/cb",
  "/relative",
  "http://evil.example/cb",
  "http://localhost.evil.example/cb",
  "http://127.0.0.1.evil.example/cb",
  "http://127.0.0.1@evil.example/cb",
  "https://user@client.example/cb",
  "https://user:pass@client.example/cb",
  "https://client.example/cb#fragment",
  "https://client.example/cb#",
  "https://@client.example/cb",
  "https://:@client.example/cb",
  "cursor://@evil.example/cb",
  "https:client.example/cb",
  "https:/client.example/cb",
  "https:///client.example/cb",
  "http:///127.0.0.1/cb",
  "http:127.0.0.1/cb",
  "https:\\\\client.example\\cb",
  "https://client.example\\@evil.example",
  "https://client.example/\tcb",
  " https://client.example/cb",
  "https://client.example/cb ",
  "https://cliënt.example/cb",
  "https://client.example/cb\r\nset-cookie: a=b",
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://client.example/1",
  "ftp://client.example/",
  "about:blank",
];
for (const uri of bad) {
  test(`S1-08: ${JSON.stringify(uri)} is no redirect URI`, () => assert.equal(parseRedirectUri(uri), undefined));
}

const registered = ["https://client.example/cb", "http://localhost/callback", "http://127.0.0.1:1234/cb"];
for (
  const [uri, ok] of [
    ["https://client.example/cb", true],
    ["https://client.example/cb/", false],
    ["https://client.example/cb?x=1", false],
    ["https://client.example:443/cb", false],
    ["https://CLIENT.example/cb", false],
    ["https://client.example/cb/../cb", false],
    ["https://client.example/%63b", false],
    ["https://client.example.evil.example/cb", false],
    ["http://localhost:51234/callback", true],
    ["http://localhost/callback", true],
    ["http://localhost:51234/other", false],
    ["http://127.0.0.1:51234/callback", false],
    ["http://127.0.0.1:9/cb", true],
    ["http://127.0.0.1:9/cb?x", false],
    ["http://127.0.0.1:99999/cb", false],
    ["https://localhost:1/callback", false],
  ] as const
) {
  test(`S1-08, RFC 9700 §4.1.3, RFC 8252 §7.3: ${uri} ${ok ? "equals" : "does not equal"} a registered URI`, () => {
    assert.equal(isRegisteredRedirectUri(uri, registered), ok);
  });
}

test("loopback means http on this machine only (RFC 8252 §8.3)", () => {
  assert.ok(isLoopbackRedirect("http://localhost:1/"));
  assert.ok(!isLoopbackRedirect("https://localhost:1/"));
  assert.ok(!isLoopbackRedirect("http://0.0.0.0:1/"));
});

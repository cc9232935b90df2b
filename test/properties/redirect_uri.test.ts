// Redirect URIs: what matches, and where the answer then goes, by a reading of their own.
import assert from "node:assert/strict";
import fc from "fast-check";
import { codeRedirect, errorRedirect } from "../../lib/oauth/authorization_response.ts";
import { isLoopbackRedirect, isRegisteredRedirectUri, parseRedirectUri } from "../../lib/oauth/redirect_uri.ts";
import { mutated, oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const registered = [
  ...[
    "https://client.example/cb",
    "https://client.example/cb?tenant=1",
    "https://client.example",
    "https://client.example/cb?",
  ],
  ...[
    "http://localhost/callback",
    "http://127.0.0.1:1234/cb?x=1",
    "http://[::1]/",
    "cursor://anysphere.cursor-mcp/oauth/callback",
  ],
  ...["com.example.app:/oauth", "https://xn--bcher-kva.example:8443/a%2Fb;c=d"],
];
const known = fc.constantFrom(...registered);
const hostile = fc.constantFrom("https://", "http://", "//", "\\\\", "").chain((scheme) =>
  fc.tuple(oddText, oddText).map(([host, path]) => `${scheme}${host}/${path}`)
);
const requested = fc.oneof(known, mutated(known), mutated(mutated(known)), hostile);

/** RFC 8252 §7.3, as a pattern: host and port, and the rest. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d+))?(.*)$/s;

function matches(uri: string, other: string): boolean {
  if (uri === other) return true;
  const [, host, port, rest] = loopback.exec(uri) ?? [];
  const [, otherHost, , otherRest] = loopback.exec(other) ?? [];
  return host !== undefined && host === otherHost && rest === otherRest && Number(port ?? 80) <= 65_535;
}

property(
  "S1-08, RFC 9700 §4.1.3: a redirect URI matches character for character, or in all but the port of a loopback one",
  {
    runs: 300,
    of: [requested],
  },
  (uri) => {
    assert.equal(isRegisteredRedirectUri(uri, registered), registered.some((other) => matches(uri, other)), uri);
  },
);

property("S1-08: what may be registered names one host, to RFC 3986 and to browsers alike, and no user", {
  runs: 300,
  of: [requested],
}, (uri) => {
  const url = parseRedirectUri(uri);
  if (url === undefined) return;
  assert.match(uri, /^[\x21-\x7E]+$/);
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?/i.exec(uri)!;
  assert.equal(`${scheme!.toLowerCase()}:`, url.protocol);
  if (url.protocol !== "https:" && url.protocol !== "http:") return;
  assert.doesNotMatch(authority!, /[@\\]/);
  assert.equal(new URL(`${scheme}://${authority}`).host, url.host);
  assert.equal(isLoopbackRedirect(uri), url.protocol === "http:");
});

const answerOf = fc.record({ state: fc.option(oddText, { nil: undefined }), code: fc.base64String({ minLength: 1 }) });

property(
  "S1-12, S1-19, RFC 9207 §2: the answer goes to the redirect URI, its query kept; code, state and iss come back as they are",
  {
    runs: 200,
    of: [known, answerOf],
  },
  (redirectUri, { state, code }) => {
    const issuer = "https://mcp.example.com/mcp/x";
    const location = codeRedirect({ redirectUri, issuer, code, ...(state === undefined ? {} : { state }) });
    assert.ok(location.startsWith(redirectUri));
    assert.match(location, /^[\x21-\x7E]+$/);
    const [before, after] = [new URL(redirectUri), new URL(location)];
    assert.deepEqual([after.protocol, after.host, after.pathname, after.hash], [
      before.protocol,
      before.host,
      before.pathname,
      "",
    ]);
    const sent = [...after.searchParams].slice([...before.searchParams].length);
    const wanted = [["code", code], ...(state === undefined ? [] : [["state", state.toWellFormed()]]), ["iss", issuer]];
    assert.deepEqual(sent, wanted);
  },
);

property("RFC 6749 §4.1.2.1: a description keeps to the characters that it may have, whatever it quotes", {
  runs: 200,
  of: [known, oddText],
}, (redirectUri, description) => {
  const location = errorRedirect({ redirectUri, issuer: "https://i.example", error: "invalid_request", description });
  const sent = new URL(location).searchParams.get("error_description")!;
  assert.match(sent, /^[\x20\x21\x23-\x5B\x5D-\x7E]*$/);
});

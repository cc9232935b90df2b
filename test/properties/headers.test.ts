// Headers across the proxy, against lists of the test's own.
import assert from "node:assert/strict";
import fc from "fast-check";
import { credentialHeader } from "../../lib/http/credential_header.ts";
import { FieldList } from "../../lib/http1/field_list.ts";
import { headersForClient, headersForDownstream } from "../../lib/proxy/headers.ts";
import { identityHeaders } from "../../lib/proxy/identity_headers.ts";
import { headerText, oddText } from "../support/arbitraries.ts";
import { property } from "../support/property.ts";

const hopByHop = [
  ...["Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer"],
  ...["Transfer-Encoding", "Upgrade"],
];
/** Who somebody is, where a request came from, or where it should go: only we may say that to the MCP server. */
const claims = [
  ...["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-User", "X-Forwarded-Email"],
  ...[
    "X-Forwarded-Access-Token",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Via",
    "Host",
    "Origin",
  ],
  ...[
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Access-Token",
    "Remote-User",
  ],
  ...["Remote-Groups", "X-Remote-User", "X-Authenticated-User", "X-Original-URL", "X-Original-Host", "X-WebAuth-User"],
  ...["X-Rewrite-URL", "X-Envoy-Original-Dst-Host", "X-Envoy-External-Address", "Fastly-Client-IP", "Fly-Client-IP"],
  ...["X-Cluster-Client-IP", "X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-Goog-Authenticated-User-Email"],
  ...["X-Goog-IAP-JWT-Assertion", "X-MS-Client-Principal", "X-MS-Client-Principal-Name", "X-Authentik-Username"],
  ...["X-Pomerium-Jwt-Assertion", "Tailscale-User-Login", "X-Vouch-User"],
];
const ours = ["Authorization", "Cookie", "Expect", "Content-Length", "Accept-Encoding", "Referer"];
const endToEnd = [
  ...["Accept", "Content-Type", "MCP-Protocol-Version", "Mcp-Session-Id", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region"],
  ...["Last-Event-ID", "traceparent", "X-Custom", "Accept-Language", "X_Custom", "User-Agent"],
];
const neverDown = [
  ...[
    "Set-Cookie",
    "WWW-Authenticate",
    "Access-Control-Allow-Origin",
    "Strict-Transport-Security",
    "Alt-Svc",
    "Refresh",
  ],
  ...[
    "Clear-Site-Data",
    "Report-To",
    "NEL",
    "Reporting-Endpoints",
    "X-Accel-Redirect",
    "X-Sendfile",
    "Service-Worker-Allowed",
  ],
  ...["Surrogate-Control", "Edge-Control"],
];

/** The same name, as it gets past a list that only knows one spelling. */
const respelled = (names: string[]) =>
  fc.tuple(fc.constantFrom(...names), fc.constantFrom("as is", "upper", "lower", "underscores", "mixed")).map(
    ([name, how]) => {
      if (how === "upper") return name.toUpperCase();
      if (how === "lower") return name.toLowerCase();
      if (how === "underscores") return name.replaceAll("-", "_");
      return how === "mixed" ? name.replace("-", "_").toLowerCase() : name;
    },
  );
const fields = (names: string[]) => fc.array(fc.tuple(respelled(names), headerText), { maxLength: 8 });
const connection = fc.array(fc.oneof(respelled([...endToEnd, ...claims, "close"]), headerText), { maxLength: 4 });
const plain = (name: string) => name.toLowerCase().replaceAll("_", "-");

function headersOf(fields: readonly (readonly [string, string])[], named: readonly string[]): Headers {
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  if (named.length > 0) headers.append("connection", named.join(", "));
  return headers;
}

/** Of an empty value among several only the comma stays, with or without its space. */
const sorted = (headers: Iterable<[string, string]>) =>
  [...headers].map(([name, value]) => `${name}: ${value.trim()}`).sort();

const format = fc.constantFrom("Bearer", "token", "Basic", "X-API-Key", "x_api_key", "Api-Key");

property(
  "S1-42, S1-49: up goes what is end to end, as it was, and the credential; nothing of the hop, of ours or claimed",
  {
    runs: 300,
    of: [fields([...endToEnd, ...claims, ...ours, ...hopByHop, "X-API-Key", "Api-Key"]), connection, format],
  },
  (sent, named, authHeaderFormat) => {
    const client = headersOf(sent, named);
    const [credentialName, credential] = credentialHeader(authHeaderFormat, "the-key");
    const up = headersForDownstream(client, [credentialName, credential]);
    const dropped = new Set([...claims, ...ours, ...hopByHop, credentialName].map(plain));
    for (const name of (client.get("connection") ?? "").split(",")) dropped.add(plain(name.trim()));
    const expected = [...client].filter(([name]) => !dropped.has(plain(name)));
    expected.push(["accept-encoding", "identity"], [credentialName, credential]);
    assert.deepEqual(sorted(Object.entries(up.toRecord())), sorted(expected));
  },
);

property(
  "S1-49: down comes what is end to end, as it was; nothing of the hop, nothing that acts on our origin or on our edge",
  {
    runs: 300,
    of: [fields([...endToEnd, ...neverDown, ...hopByHop, "Content-Security-Policy", "Retry-After"]), connection],
  },
  (sent, named) => {
    const downstream = headersOf(sent.map(([name, value]) => [name.replaceAll("_", "-"), value] as const), named);
    const down = headersForClient(new FieldList([...downstream].flat()));
    const dropped = new Set([...neverDown, ...hopByHop, "content-security-policy"].map(plain));
    for (const name of (downstream.get("connection") ?? "").split(",")) dropped.add(plain(name.trim()));
    const expected = [...downstream].filter(([name]) => !dropped.has(plain(name)) && name !== "x-content-type-options");
    expected.push(["content-security-policy", "sandbox; default-src 'none'"], ["x-content-type-options", "nosniff"]);
    assert.deepEqual(sorted(Object.entries(down.toRecord())), sorted(expected));
  },
);

property("S2-50: who somebody is stands in headers that can be read back, and groups can't be made up with a comma", {
  runs: 100,
  of: [oddText, oddText, fc.array(oddText.filter((text) => text !== ""), { maxLength: 4 })],
}, (subject, email, groups) => {
  const headers = new Headers(identityHeaders({
    ...{ tokenId: "t", grantId: "g", clientId: "c", resource: "r", scope: [], expiresAt: 0 },
    identity: { subject, email, groups },
  }));
  const read = (name: string) => decodeURIComponent(headers.get(name)!);
  assert.equal(read("x-auth-request-user"), subject.toWellFormed());
  assert.equal(read("x-auth-request-email"), email.toWellFormed());
  const list = headers.get("x-auth-request-groups")!;
  assert.deepEqual(
    list === "" ? [] : list.split(",").map((group) => decodeURIComponent(group.trim())),
    groups.map((group) => group.toWellFormed()),
  );
});

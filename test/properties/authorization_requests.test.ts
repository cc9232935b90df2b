// /authorize and /callback of the whole app: whatever is asked, the browser gets a page, or goes to a redirect URI of the client.
import assert from "node:assert/strict";
import fc from "fast-check";
import { mutated, oddText } from "../support/arbitraries.ts";
import { appInProcess } from "../support/app_in_process.ts";
import { githubTable, googleTable, linearTable, serverTable, wikiTable } from "../support/config_text.ts";
import { fakeDocuments } from "../support/fake_documents.ts";
import { property } from "../support/property.ts";

const documentUrl = "https://client.example/id.json";
const registered = ["https://agent.example.com/callback?tenant=1", "http://127.0.0.1:33418/callback"];
const web = fakeDocuments();
web.documents.set(documentUrl, {
  body: { client_id: documentUrl, client_name: "<x-injected>", redirect_uris: registered },
});
const { send } = appInProcess(
  `${serverTable}${linearTable}${githubTable}${wikiTable}${googleTable}
[client.my-agent]
redirect_uris = ${JSON.stringify(registered)}
[client.insider]
redirect_uris = ${JSON.stringify(registered)}
trusted = true
[clients]
redirects = ${JSON.stringify(registered)}
[rate_limit]
per_address = 0
per_client = 0
`,
  { safeFetch: web.safeFetch },
);
const registration = await send("/register/mcp/linear", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ client_name: "<x-injected>", redirect_uris: registered }),
});
const { client_id: dynamicId } = await registration.json() as { client_id: string };

const name = fc.constantFrom("linear", "github", "wiki");
const good = fc.record({
  response_type: fc.constant("code"),
  client_id: fc.constantFrom("my-agent", "insider", documentUrl, dynamicId),
  redirect_uri: fc.constantFrom(...registered, "http://127.0.0.1:9/callback"),
  code_challenge: fc.constant("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
  code_challenge_method: fc.constant("S256"),
  state: fc.oneof(fc.constant("xyz"), oddText),
  scope: fc.oneof(fc.constantFrom("", "repo", "read write"), oddText),
}, { requiredKeys: ["response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method"] });

type Change = [how: "drop" | "empty" | "repeat" | "replace" | "mutate", name: string, value: string];
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.tuple(
    fc.constantFrom("drop", "empty", "repeat", "replace", "mutate"),
    fc.constantFrom(
      "response_type",
      "client_id",
      "redirect_uri",
      "code_challenge",
      "code_challenge_method",
      "state",
      "scope",
      "resource",
      "response_mode",
      "request",
      "prompt",
      "__proto__",
    ),
    fc.oneof(
      oddText,
      fc.constantFrom("token", "plain", "https://evil.example/cb", "https://mcp.example.com/mcp/linear"),
    ),
  ),
  { maxLength: 3 },
);

function changed(parameters: Record<string, string>, changes: Change[]): URLSearchParams {
  const search = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, value.toWellFormed()]));
  for (const [how, name, value] of changes) {
    const text = value.toWellFormed();
    if (how === "drop") search.delete(name);
    else if (how === "repeat") search.append(name, text);
    else search.set(name, how === "empty" ? "" : how === "replace" ? text : (search.get(name) ?? "") + text);
  }
  return search;
}

/** RFC 6749 §4.1.2.1, RFC 8707 §2. */
const errors = [
  "invalid_request",
  "unauthorized_client",
  "access_denied",
  "unsupported_response_type",
  "invalid_scope",
  "server_error",
  "temporarily_unavailable",
  "invalid_target",
];

/** Where a browser may be sent: the very text that was asked for, if that is registered, loopback ports aside. */
function checkLocation(location: string, asked: URLSearchParams): void {
  const redirectUri = asked.get("redirect_uri")!;
  assert.ok(registered.includes(redirectUri.replace(/^(http:\/\/127\.0\.0\.1):\d+/, "$1:33418")), location);
  assert.ok(location.startsWith(redirectUri) && /^[?&]$/.test(location[redirectUri.length]!), location);
  assert.match(location, /^[\x21-\x7E]+$/);
  const answer = new URLSearchParams(location.slice(redirectUri.length + 1));
  assert.deepEqual([...new Set(answer.keys())], [...answer.keys()]);
  assert.equal(answer.get("state"), asked.get("state") || null);
  assert.match(answer.get("iss")!, /^https:\/\/mcp\.example\.com\/mcp\/\w+$/);
  if (answer.has("code")) return;
  assert.ok(errors.includes(answer.get("error")!), location);
  assert.match(answer.get("error_description")!, /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
}

async function checkPage(answer: Response): Promise<void> {
  assert.match(answer.headers.get("content-type")!, /^text\/html/);
  assert.match(answer.headers.get("content-security-policy")!, /frame-ancestors 'none'/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(answer.headers.get("referrer-policy"), "no-referrer");
  const html = await answer.text();
  assert.doesNotMatch(html, /<x-injected/);
  assert.doesNotMatch(html, /href="javascript:/i);
}

property(
  "S1-07, S1-08, S1-10: every request to /authorize gets a page, or goes to the client's own redirect URI with state and iss",
  {
    runs: 250,
    of: [name, good, changes],
  },
  async (name, parameters, how) => {
    const asked = changed(parameters as Record<string, string>, how);
    const answer = await send(`/authorize/mcp/${name}?${asked}`);
    const location = answer.headers.get("location");
    if (location === null) {
      assert.ok([200, 400, 503].includes(answer.status), `${answer.status}`);
      return await checkPage(answer);
    }
    assert.equal(answer.status, 303);
    // Whom the operator trusts may pass without a page; then the provider comes first.
    if (asked.get("client_id") === "insider" && location.startsWith("https://github.com/login/oauth/authorize?")) {
      return;
    }
    checkLocation(location, asked);
    assert.ok(!new URLSearchParams(location.split("?").at(-1)).has("code"));
  },
);

property(
  "S1-18: of the form only the sealed request counts; no other one is taken, and nobody is sent anywhere for it",
  {
    runs: 150,
    of: [
      name,
      good,
      fc.oneof(fc.constant("as it is"), oddText),
      fc.array(
        fc.tuple(
          fc.constantFrom("token", "decision", "request", "redirect_uri", "state", "provider", "scope:x"),
          oddText,
        ),
        { maxLength: 4 },
      ),
      fc.boolean(),
    ],
  },
  async (name, parameters, request, fields, ownCookie) => {
    const asked = changed(parameters as Record<string, string>, []);
    const page = await send(`/authorize/mcp/${name}?${asked}`);
    const cookie = ownCookie ? page.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ") : "";
    const sealed = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const form = new URLSearchParams({
      request: request === "as it is" ? sealed : request.toWellFormed(),
      decision: "allow",
    });
    for (const [name, value] of fields) {
      if (!(ownCookie && request === "as it is" && name === "request")) {
        form.set(name, value.toWellFormed());
      }
    }
    const answer = await send(`/authorize/mcp/${name}`, { method: "POST", body: form, headers: { cookie } });
    const location = answer.headers.get("location");
    if (location === null) {
      assert.ok([200, 400, 503].includes(answer.status), `${answer.status}`);
      return await checkPage(answer);
    }
    assert.ok(ownCookie && form.get("request") === sealed);
    if (!location.startsWith("https://github.com/login/oauth/authorize?")) checkLocation(location, asked);
  },
);

property(
  "S1-21, S1-25: every request to /callback without a trip of this browser is a page, and nobody is sent anywhere",
  {
    runs: 100,
    of: [
      name,
      fc.array(fc.tuple(fc.constantFrom("code", "state", "error", "iss", "error_description"), oddText), {
        maxLength: 5,
      }),
      oddText,
      fc.boolean(),
    ],
  },
  async (name, parameters, value, known) => {
    const state = known ? "A".repeat(22) : undefined;
    const search = new URLSearchParams(parameters.map(([name, value]) => [name, value.toWellFormed()]));
    if (state !== undefined) search.set("state", state);
    const cookie = `__Host-mcp-flow-${state ?? "x"}=${
      encodeURIComponent(value.toWellFormed())
    }; __Host-mcp-flow-=; =; ;`;
    const answer = await send(`/callback/mcp/${name}?${search}`, { headers: { cookie } });
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("location"), null);
    await checkPage(answer);
  },
);

property("S2-03, RFC 9110 §15.5.6: any path with any method is answered, never with a 500 and never with a redirect", {
  runs: 200,
  of: [
    fc.oneof(
      mutated(
        fc.constantFrom(
          "/authorize/mcp/linear",
          "/mcp/linear",
          "/token/mcp/github",
          "/.well-known/oauth-protected-resource/mcp/wiki",
          "/authenticate/mcp/wiki",
          "/apps",
          "/",
          "/health",
          "/register/mcp/linear",
          "/openid/v1/jwks",
        ),
      ),
      oddText.map((text) => `/${text}`),
    ),
    fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"),
    fc.constantFrom(
      "",
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "text/plain",
    ),
    oddText,
  ],
}, async (path, method, type, body) => {
  const url = `https://mcp.example.com${path.startsWith("/") ? "" : "/"}${path.toWellFormed()}`;
  if (!URL.canParse(url)) return;
  const hasBody = method !== "GET" && method !== "HEAD";
  const answer = await send(url, {
    method,
    headers: type === "" ? {} : { "content-type": type },
    ...(hasBody ? { body: body.toWellFormed() } : {}),
  });
  assert.ok(answer.status < 500 || answer.status === 503, `${answer.status}`);
  assert.equal(answer.headers.get("location"), null);
  if (new URL(url).pathname.startsWith("/authenticate/")) {
    assert.ok([401, 403, 404].includes(answer.status), `${answer.status}`);
  }
  assert.doesNotMatch(await answer.text(), /<x-injected/);
});

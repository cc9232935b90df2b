// /token and /revoke of the whole app: whatever is sent, the answer has the RFC's form, and only the right thing in every
// parameter gets anything.
import assert from "node:assert/strict";
import fc from "fast-check";
import { codeChallengeOf } from "../../lib/oauth/pkce.ts";
import { sealAuthorizationCode } from "../../lib/tokens/authorization_code.ts";
import { sealRefreshToken } from "../../lib/tokens/refresh_token.ts";
import { randomId } from "../../lib/tokens/random_id.ts";
import { appInProcess } from "../support/app_in_process.ts";
import { headerText, mutated, oddText } from "../support/arbitraries.ts";
import { githubTable, linearTable, serverTable } from "../support/config_text.ts";
import { fakeDocuments } from "../support/fake_documents.ts";
import { property } from "../support/property.ts";

const redirectUri = "https://agent.example.com/callback";
const secret = 'a:b%c d+é"';
const web = fakeDocuments();
/** Documents of somebody else, and of nobody. */
const documents = ["https://client.example/other.json", "https://client.example/none.json"];
web.documents.set(documents[0]!, {
  body: { client_id: 'https://client.example/"é\\id.json', redirect_uris: [redirectUri] },
});
const { send, deps } = appInProcess(
  `${serverTable}${linearTable}${githubTable}
[client.agent]
redirect_uris = ["${redirectUri}"]
[client.other]
redirect_uris = ["${redirectUri}"]
[client.keeper]
redirect_uris = ["${redirectUri}"]
client_secret = ${JSON.stringify(secret)}
[rate_limit]
per_address = 0
per_client = 0
`,
  { safeFetch: web.safeFetch },
);
const resource = "https://mcp.example.com/mcp/linear";
const verifier = "v".repeat(43);
const expiresAt = deps.now() + 60;
const key = "the-k3y-that-was-pasted";

const grantFor = (clientId: string) => ({
  id: randomId(),
  clientId,
  resource,
  scope: [],
  grantedAt: deps.now(),
  credential: { value: key },
});
const newCode = (clientId: string) =>
  sealAuthorizationCode(
    deps.sealer,
    { id: randomId(), grant: grantFor(clientId), redirectUri, codeChallenge: codeChallengeOf(verifier) },
    expiresAt,
  );
const newRefreshToken = (clientId: string) =>
  sealRefreshToken(deps.sealer, { id: randomId(), grant: grantFor(clientId) }, expiresAt);

/** RFC 6749 §5.2, RFC 8707 §2. */
const errors = [
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "temporarily_unavailable",
];

async function checkError(answer: Response): Promise<void> {
  assert.ok([400, 401, 413, 503].includes(answer.status), `${answer.status}`);
  assert.match(answer.headers.get("content-type")!, /^application\/json/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const { error, error_description, ...more } = await answer.json();
  assert.ok(errors.includes(error), error);
  assert.match(error_description, /^[\x20\x21\x23-\x5B\x5D-\x7E]+$/);
  // A client_id that is a URL is named as it was sent; whoever writes a secret into it knows it.
  const said = error_description.replace(/https:\S+/g, "");
  assert.ok(!said.includes(key) && !said.includes(verifier) && !said.includes(secret));
  assert.deepEqual(more, {});
}

type Change = [how: "drop" | "empty" | "repeat" | "replace" | "add", name: string, value: string];
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.tuple(
    fc.constantFrom("drop", "empty", "repeat", "replace", "add"),
    fc.constantFrom(
      "grant_type",
      "code",
      "code_verifier",
      "client_id",
      "client_id",
      "redirect_uri",
      "resource",
      "refresh_token",
      "scope",
      "client_secret",
      "client_assertion",
      "client_assertion_type",
      "unknown",
      "__proto__",
    ),
    fc.oneof(
      oddText,
      fc.constantFrom(
        "other",
        "keeper",
        ...documents,
        "refresh_token",
        "client_credentials",
        `${redirectUri}/`,
        resource,
        "https://mcp.example.com/mcp/github",
        verifier,
      ),
    ),
  ),
  { maxLength: 2 },
);

function changed(form: URLSearchParams, changes: Change[]): URLSearchParams {
  for (const [how, name, value] of changes) {
    const text = value.toWellFormed();
    if (how === "drop") form.delete(name);
    else if (how === "repeat") form.append(name, form.get(name) ?? text);
    else form.set(name, how === "empty" ? "" : how === "replace" ? text : (form.get(name) ?? "") + text);
  }
  return form;
}

/** What may differ from the good form without making it another request. */
function isGood(form: URLSearchParams, wanted: Record<string, string>): boolean {
  const names = [...form.keys()];
  if (new Set(names).size !== names.length) return false;
  if (!Object.entries(wanted).every(([name, value]) => form.get(name) === value)) return false;
  if (![redirectUri, "", null].includes(form.get("redirect_uri")) && wanted.grant_type === "authorization_code") {
    return false;
  }
  if (!["", null, resource, `${resource}/`].includes(form.get("resource"))) return false;
  return ["client_secret", "client_assertion", "client_assertion_type"].every((name) => !form.get(name));
}

for (const grantType of ["authorization_code", "refresh_token"] as const) {
  property(
    `S1-28 to S1-36: grant_type=${grantType} gives tokens exactly where each parameter is the right one, else JSON of RFC 6749 §5.2`,
    {
      runs: 150,
      of: [changes],
    },
    async (how) => {
      const wanted: Record<string, string> = grantType === "authorization_code"
        ? { grant_type: grantType, code: newCode("agent"), code_verifier: verifier, client_id: "agent" }
        : { grant_type: grantType, refresh_token: newRefreshToken("agent"), client_id: "agent" };
      const form = changed(new URLSearchParams(wanted), how);
      const answer = await send("/token/mcp/linear", { method: "POST", body: form });
      if (!isGood(form, wanted)) return await checkError(answer);
      assert.equal(answer.status, 200, await answer.clone().text());
      assert.equal(answer.headers.get("cache-control"), "no-store");
      const text = await answer.text();
      const tokens = JSON.parse(text);
      assert.deepEqual([tokens.token_type, typeof tokens.access_token, typeof tokens.refresh_token], [
        "Bearer",
        "string",
        "string",
      ]);
      assert.ok(!text.includes(key));
    },
  );
}

property(
  "S1-31: the code of one client, changed anywhere, is worth nothing, and neither is a good one to anybody else or anywhere else",
  {
    runs: 100,
    of: [fc.constantFrom("agent", "other"), fc.constantFrom("linear", "github"), fc.boolean(), fc.nat(), oddText],
  },
  async (clientId, name, intact, position, odd) => {
    const code = newCode("agent");
    const at = position % code.length;
    const sent = intact ? code : code.slice(0, at) + odd.toWellFormed() + code.slice(at + 1);
    const answer = await send(`/token/mcp/${name}`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: sent,
        code_verifier: verifier,
        client_id: clientId,
      }),
    });
    if (clientId === "agent" && name === "linear" && sent === code) assert.equal(answer.status, 200);
    else await checkError(answer);
  },
);

property(
  "RFC 6749 §2.3: a client with a secret gets in with it, in the header in each of its spellings or in the form, and with nothing else",
  {
    runs: 150,
    of: [
      fc.oneof(fc.constant(secret), fc.constant(secret), mutated(fc.constant(secret)), oddText),
      fc.constantFrom("encoded", "plain", "form", "none"),
      fc.boolean(),
    ],
  },
  async (given, how, repeatId) => {
    const text = given.toWellFormed();
    const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: newRefreshToken("keeper") });
    if (how === "form") form.set("client_secret", text);
    if (repeatId || how === "form" || how === "none") form.set("client_id", "keeper");
    const pair = how === "encoded"
      ? `keeper:${new URLSearchParams({ "": text }).toString().slice(1)}`
      : `keeper:${text}`;
    const headers: Record<string, string> = how === "encoded" || how === "plain"
      ? { authorization: `Basic ${Buffer.from(pair).toString("base64")}` }
      : {};
    const answer = await send("/token/mcp/linear", { method: "POST", body: form, headers });
    if (how !== "none" && text === secret) assert.equal(answer.status, 200, await answer.clone().text());
    else if (answer.status !== 200) await checkError(answer);
    else assert.equal(decodeURIComponent(text.replaceAll("+", " ").replace(/%(?![0-9a-f]{2})/gi, "%25")), secret);
  },
);

property("S1-36, RFC 7009: a body of any type and text at /token and /revoke is answered with JSON of the right form", {
  runs: 150,
  of: [
    fc.constantFrom("/token", "/revoke"),
    fc.constantFrom(
      "application/x-www-form-urlencoded",
      "application/x-www-form-urlencoded;charset=utf-16",
      "application/json",
      "",
      "text/plain",
    ),
    fc.oneof(oddText, fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("latin1"))),
    headerText,
  ],
}, async (path, type, body, authorization) => {
  const answer = await send(`${path}/mcp/linear`, {
    method: "POST",
    headers: { "content-type": type, ...(authorization === "" ? {} : { authorization }) },
    body: new TextEncoder().encode(body),
  });
  await checkError(answer);
});

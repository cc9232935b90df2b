// Any OpenID provider: every check of an ID Token (OpenID Connect Core §3.1.3.7), keys, UserInfo, and groups as products write them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { oidc } from "../../lib/providers/oidc.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { fetchFrom, json, problem } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, redirectUri, renew, signIn, visit } from "../support/provider_trip.ts";

const issuer = "https://id.example.com";
const ada = { sub: "user-1", preferred_username: "ada", email: "ada@example.com", email_verified: true };

async function setUp(options: { issuer?: string; configured?: string; groups?: boolean } = {}) {
  const fake = await createFakeOpenId({ issuer: options.issuer ?? issuer, now: () => clock });
  fake.user = { ...ada };
  const config = providerConfig("oidc", fake, { issuer: options.configured ?? options.issuer ?? issuer });
  const wanted = { email: true, groups: options.groups ?? false };
  return { fake, provider: oidc(config, { fetch: fetchFrom(fake), wanted }) };
}

const bad: [what: string, change: (fake: FakeOpenId) => void, why: RegExp][] = [
  ["another issuer", (fake) => fake.claims = (c) => ({ ...c, iss: "https://evil.example.com" }), /iss/],
  ["another audience", (fake) => fake.claims = (c) => ({ ...c, aud: "somebody-else" }), /aud/],
  ["no audience", (fake) => fake.claims = ({ aud: _, ...c }) => c, /aud/],
  ["a second audience and no azp", (fake) => fake.claims = (c) => ({ ...c, aud: ["the-client", "other"] }), /azp/],
  ["an azp that is not us", (fake) => fake.claims = (c) => ({ ...c, azp: "other" }), /azp/],
  ["no exp", (fake) => fake.claims = ({ exp: _, ...c }) => c, /exp/],
  ["an exp of more than a minute ago", (fake) => fake.claims = (c) => ({ ...c, exp: clock - 61 }), /exp/],
  ["no iat", (fake) => fake.claims = ({ iat: _, ...c }) => c, /iat/],
  ["an iat of the future", (fake) => fake.claims = (c) => ({ ...c, iat: clock + 61 }), /iat/],
  ["an nbf of the future", (fake) => fake.claims = (c) => ({ ...c, nbf: clock + 61 }), /nbf/],
  ["another nonce", (fake) => fake.claims = (c) => ({ ...c, nonce: "another" }), /nonce/],
  ["no nonce", (fake) => fake.claims = ({ nonce: _, ...c }) => c, /nonce/],
  [
    "another access token's at_hash",
    (fake) => fake.claims = (c) => ({ ...c, at_hash: "AAAAAAAAAAAAAAAAAAAAAA" }),
    /at_hash/,
  ],
  ["no sub", (fake) => fake.claims = ({ sub: _, ...c }) => c, /sub/],
  ["an empty sub", (fake) => fake.claims = (c) => ({ ...c, sub: "" }), /sub/],
  ["a key that is not published", (fake) => fake.forge = true, /signature/],
];

for (const [what, change, why] of bad) {
  test(`S2-60: an ID token with ${what} is refused (OIDC Core §3.1.3.7)`, async () => {
    const { fake, provider } = await setUp();
    change(fake);
    const { kind, message } = await failureOf(signIn(provider, fake));
    assert.equal(kind, "broken");
    assert.match(message, why);
  });
}

const good: [what: string, change: (fake: FakeOpenId) => void][] = [
  ["an exp of a minute ago, for clocks differ", (fake) => fake.claims = (c) => ({ ...c, exp: clock - 59 })],
  ["an iat in a minute", (fake) => fake.claims = (c) => ({ ...c, iat: clock + 60 })],
  ["two audiences and our azp", (fake) => fake.claims = (c) => ({ ...c, aud: ["x", "the-client"], azp: "the-client" })],
  ["no at_hash, which is optional with a code", (fake) => fake.claims = ({ at_hash: _, ...c }) => c],
];

for (const [what, change] of good) {
  test(`an ID token with ${what} is accepted`, async () => {
    const { fake, provider } = await setUp();
    change(fake);
    assert.equal((await signIn(provider, fake)).identity.subject, "user-1");
  });
}

test("keys are fetched once, and again when a token names a new one, but at most every half minute", async () => {
  const { fake, provider } = await setUp();
  const fetches = () => fake.requests.filter((line) => line === "GET /keys").length;
  await signIn(provider, fake);
  await signIn(provider, fake);
  assert.equal(fetches(), 1);
  await fake.rotateKey();
  assert.equal((await failureOf(signIn(provider, fake, clock + 10))).kind, "broken", "too soon to ask again");
  assert.equal(fetches(), 1);
  await signIn(provider, fake, clock + 31);
  assert.equal(fetches(), 2);
});

test("the discovery document is remembered, and used past its time while the provider is down", async () => {
  const { fake, provider } = await setUp();
  const { renewal } = await signIn(provider, fake);
  fake.down = { path: "/.well-known", answer: "unreachable" };
  fake.claims = (claims) => ({ ...claims, iat: clock + 4000, exp: clock + 8000 });
  assert.equal((await renew(provider, renewal, { now: clock + 4000 })).identity.subject, "user-1");
});

test("a discovery document of another issuer is refused; a slash at the end is no other issuer (Auth0, Authentik)", async () => {
  const { fake, provider } = await setUp();
  fake.document = { issuer: "https://evil.example.com" };
  assert.equal((await failureOf(visit(provider, fake))).kind, "broken");

  for (const [published, configured] of [[`${issuer}/`, issuer], [issuer, `${issuer}/`]] as const) {
    const slashed = await setUp({ issuer: published, configured });
    assert.equal((await signIn(slashed.provider, slashed.fake)).identity.subject, "user-1");
  }
});

test("a discovery document that names an endpoint without TLS is refused: a secret would go there", async () => {
  for (const name of ["token_endpoint", "jwks_uri", "authorization_endpoint", "userinfo_endpoint"]) {
    const { fake, provider } = await setUp();
    fake.document = { [name]: "http://id.example.com/x" };
    const { kind, message } = await failureOf(visit(provider, fake));
    assert.equal(kind, "broken");
    assert.match(message, new RegExp(name));
  }
});

test("iss is demanded in the answer of a provider that promises it (RFC 9207 §2.4)", async () => {
  const { fake, provider } = await setUp();
  fake.document = { authorization_response_iss_parameter_supported: true };
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
  fake.answer = { iss: issuer };
  assert.equal((await signIn(provider, fake)).identity.subject, "user-1");
});

test("what the ID token leaves out is asked of UserInfo; another user's answer is refused (OIDC Core §5.3.2)", async () => {
  const { fake, provider } = await setUp({ groups: true });
  fake.claims = ({ preferred_username: _, email: __, email_verified: ___, ...claims }) => claims;
  fake.userinfo = (claims) => ({ ...claims, groups: ["eng"] });
  const { identity } = await signIn(provider, fake);
  assert.deepEqual(identity, { subject: "user-1", name: "ada", email: "ada@example.com", groups: ["eng"] });
  fake.userinfo = (claims) => ({ ...claims, sub: "user-2" });
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
});

test("UserInfo that refuses a token of a moment ago means that the account is closed", async () => {
  const { fake, provider } = await setUp();
  const { renewal } = await signIn(provider, fake);
  fake.idTokenAfterRefresh = false;
  assert.equal((await renew(provider, renewal)).identity.subject, "user-1", "an ID token is optional after a refresh");
  const second = await signIn(provider, fake);
  fake.userinfo = () => json({ error: "invalid_token" }, { status: 401 });
  let newest = second.renewal!;
  const rotated = (next: string) => newest = next;
  assert.equal((await failureOf(renew(provider, newest, { rotated }))).kind, "refused");
  for (const status of [401, 403, 404]) {
    fake.userinfo = () => new Response("a gateway's page", { status });
    assert.equal((await failureOf(renew(provider, newest, { rotated }))).kind, "broken", `${status} of somebody else`);
  }
});

test("S2-55: an email that the provider does not vouch for counts as none", async () => {
  for (const email_verified of [false, undefined, "false", 1]) {
    const { fake, provider } = await setUp();
    fake.user = { ...ada, email_verified };
    assert.equal((await signIn(provider, fake)).identity.email, undefined, String(email_verified));
  }
  const { fake, provider } = await setUp();
  fake.user = { ...ada, email: "chief@example.com", email_verified: undefined };
  fake.userinfo = (claims) => ({ ...claims, email: "mallory@evil.example", email_verified: true, groups: [] });
  assert.equal((await signIn(provider, fake)).identity.email, undefined, "verified is another address");
});

test("S2-60: without a user name the verified email is shown, and without both nothing", async () => {
  const { fake, provider } = await setUp();
  fake.user = { sub: "user-1", email: "ada@example.com", email_verified: true };
  assert.equal((await signIn(provider, fake)).identity.name, "ada@example.com");
  fake.user = { sub: "user-1" };
  assert.deepEqual((await signIn(provider, fake)).identity, { subject: "user-1" });
});

const groupShapes: [product: string, claims: Record<string, unknown>, groups: string[] | undefined][] = [
  ["Okta, Authentik, Dex", { groups: ["eng", "ops"] }, ["eng", "ops"]],
  ["Keycloak with full paths", { groups: ["/eng/backend"] }, ["/eng/backend"]],
  ["a single group as text", { groups: "eng" }, ["eng"]],
  ["Cognito", { "cognito:groups": ["eng"] }, ["eng"]],
  ["Auth0 with a namespace", { "https://example.com/groups": ["eng"] }, ["eng"]],
  ["no group at all", { groups: [] }, []],
  ["things that are no names", { groups: [1, null, "", "eng"] }, ["eng"]],
  ["no claim", {}, undefined],
];

for (const [product, claims, groups] of groupShapes) {
  test(`S2-62: groups as ${product} writes them`, async () => {
    const { fake, provider } = await setUp();
    fake.user = { ...ada, ...claims };
    assert.deepEqual((await signIn(provider, fake)).identity.groups, groups);
  });
}

test("only scopes that the provider offers are asked for, offline_access with the consent that it needs (OIDC Core §11)", async () => {
  const { fake, provider } = await setUp();
  fake.document = { scopes_supported: ["openid", "email", "offline_access"] };
  const { asked } = await visit(provider, fake);
  assert.equal(asked.searchParams.get("scope"), "openid email offline_access");
  assert.equal(asked.searchParams.get("prompt"), "consent");
  const config = providerConfig("oidc", fake, { issuer, scopes: ["email"] });
  const wanted = { email: true, groups: false };
  const chosen = await visit(oidc(config, { fetch: fetchFrom(fake), wanted }), fake);
  assert.equal(chosen.asked.searchParams.get("scope"), "openid email", "as the operator wrote it");
  assert.equal(chosen.asked.searchParams.get("prompt"), null);
  const other = await setUp();
  other.fake.document = { scopes_supported: ["openid", "email"] };
  assert.equal((await visit(other.provider, other.fake)).asked.searchParams.get("prompt"), null);
});

test("a refresh token that was spent is told before anything else can fail, so the next try goes on from the new one", async () => {
  const { fake, provider } = await setUp();
  const { renewal } = await signIn(provider, fake);
  const rotated: string[] = [];
  await fake.rotateKey();
  assert.equal((await failureOf(renew(provider, renewal, { rotated: (next) => rotated.push(next) }))).kind, "broken");
  assert.equal(rotated.length, 1);
  assert.equal((await renew(provider, rotated[0], { now: clock + 31 })).identity.subject, "user-1");
  assert.equal((await failureOf(renew(provider, renewal))).kind, "refused", "the old one is spent");
});

test("a provider that authenticates clients only by Basic gets Basic", async () => {
  const { fake, provider } = await setUp();
  fake.document = { token_endpoint_auth_methods_supported: ["client_secret_basic"] };
  assert.equal((await signIn(provider, fake)).identity.subject, "user-1");
});

test("an answer without a code is no sign-in", async () => {
  const { fake, provider } = await setUp();
  const { memo } = await visit(provider, fake);
  assert.equal((await failureOf(provider.finish(memo, { state: "s" }, { redirectUri, now: clock }))).kind, "broken");
});

test("RFC 7009: the refresh token is revoked where the operator wants it and the provider has an endpoint", async () => {
  const { fake, provider: silent } = await setUp();
  assert.equal(silent.revoke, undefined);
  const { renewal } = await signIn(silent, fake);
  const config = providerConfig("oidc", fake, { issuer: fake.issuer, revokeAtProvider: true });
  const provider = () => oidc(config, { fetch: fetchFrom(fake), wanted: { email: true, groups: false } });
  await provider().revoke!(renewal!, clock);
  assert.deepEqual(fake.revoked.map(({ token, token_type_hint }) => [token, token_type_hint]), [
    [renewal, "refresh_token"],
  ]);
  assert.equal((await failureOf(renew(silent, renewal))).kind, "refused");
  fake.down = { path: "/revoke", answer: problem(503, "unavailable") };
  await assert.rejects(provider().revoke!(renewal!, clock), /answered 503/);
  for (const revocation_endpoint of [undefined, "http://id.example.com/revoke"]) {
    fake.document = { revocation_endpoint };
    await provider().revoke!(renewal!, clock);
  }
  assert.equal(fake.revoked.length, 1);
});

for (
  const inside of [
    "http://127.0.0.1:2019/stop",
    "https://127.0.0.1/stop",
    "https://10.0.0.1/token",
    "https://[::1]/token",
    "https://vault.internal/token",
    "https://intranet/token",
  ]
) {
  test(`SSRF: a provider on the internet that names ${inside} is not asked there, one on our own network is`, async () => {
    for (const endpoint of ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]) {
      const { fake, provider } = await setUp();
      fake.document = { [endpoint]: inside };
      const { kind, message } = await failureOf(visit(provider, fake));
      assert.deepEqual([kind, message], ["broken", `the discovery document has no usable ${endpoint} `]);
    }
    const { fake, provider } = await setUp({ issuer: "https://keycloak.internal/realms/a" });
    fake.document = { userinfo_endpoint: inside };
    assert.equal((await signIn(provider, fake)).identity.subject, "user-1");
  });
}

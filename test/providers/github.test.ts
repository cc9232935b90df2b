// GitHub: plain sign-in, and membership and teams of an organization read by a GitHub App.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProviderConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { github } from "../../lib/providers/github.ts";
import { githubUrls } from "../../lib/providers/github_urls.ts";
import { createFakeGithub, type FakeGithub } from "../support/fake_github.ts";
import { fetchFrom, json } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, renew, signIn, visit } from "../support/provider_trip.ts";

const host = "https://github.example.com";

function setUp(
  changes: (fake: FakeGithub) => Partial<ProviderConfig> = () => ({}),
  wanted = { email: false, groups: false },
) {
  const fake = createFakeGithub({ now: () => clock });
  const config = providerConfig("github", fake, { apiUrl: `${host}/api/v3`, ...changes(fake) });
  return { fake, provider: github(config, { fetch: fetchFrom(fake), wanted }) };
}

function setUpOrganization() {
  const { fake, provider } = setUp(({ appKey }) => ({ organization: "acme", appPrivateKey: secret(appKey) }));
  fake.members.set("octocat", { state: "active", teams: ["eng", "ops", "on-call", "a", "b"] });
  return { fake, provider };
}

test("S2-58: no scope is asked for unless a rule is about emails", async () => {
  const plain = setUp();
  assert.equal((await visit(plain.provider, plain.fake)).asked.searchParams.get("scope"), null);
  assert.equal((await signIn(plain.provider, plain.fake)).identity.email, undefined);
  assert.ok(!plain.fake.requests.some((line) => line.includes("/user/emails")));
  const asking = setUp(undefined, { email: true, groups: false });
  assert.equal((await visit(asking.provider, asking.fake)).asked.searchParams.get("scope"), "user:email");
});

test("S2-60: the subject is the numeric id, the name the login; an empty login is refused", async () => {
  const { fake, provider } = setUp();
  assert.deepEqual((await signIn(provider, fake)).identity, { subject: "583231", name: "octocat" });
  fake.user = { ...fake.user, login: "" };
  assert.equal((await failureOf(signIn(provider, fake))).kind, "refused");
});

test("S2-58: an answer of /user without a usable id is refused", async () => {
  for (const id of [undefined, 0, -1, "583231", 1.5]) {
    const { fake, provider } = setUp();
    fake.user = { ...fake.user, id: id as number };
    assert.equal((await failureOf(signIn(provider, fake))).kind, "broken", String(id));
  }
  const { fake, provider } = setUp();
  for (
    const [answer, kind] of [
      [new Response("<html>"), "broken"],
      [json({}, { status: 404 }), "broken"],
      [json({ message: "Bad credentials" }, { status: 401 }), "refused"],
      [json({ message: "Sorry. Your account was suspended" }, { status: 403 }), "refused"],
      [json({ message: "You have exceeded a secondary rate limit" }, { status: 403 }), "unavailable"],
      [new Response("a gateway's page", { status: 403 }), "broken"],
    ] as const
  ) {
    fake.down = { path: "/api/v3/user", answer };
    assert.equal((await failureOf(signIn(provider, fake))).kind, kind);
  }
});

test("S2-58: only the primary address counts, and only when GitHub verified it", async () => {
  const address = (primary: boolean, verified: boolean) => ({ email: "Octo@example.com", primary, verified });
  for (
    const [primary, verified, email] of [
      [true, true, "octo@example.com"],
      [true, false, undefined],
      [false, true, undefined],
    ] as const
  ) {
    const { fake, provider } = setUp(undefined, { email: true, groups: false });
    fake.user.emails = [address(primary, verified)];
    assert.equal((await signIn(provider, fake)).identity.email, email);
  }
  const { fake, provider } = setUp(undefined, { email: true, groups: false });
  fake.down = { path: "/user/emails", answer: json({ message: "Resource not accessible" }, { status: 403 }) };
  assert.equal((await signIn(provider, fake)).identity.email, undefined, "the app may not read addresses");
  fake.down = { path: "/user/emails", answer: json({ message: "API rate limit exceeded" }, { status: 403 }) };
  assert.equal((await failureOf(signIn(provider, fake))).kind, "unavailable", "a limit is no missing address");
});

test("S2-59: the App's assertion has our client id, an iat of a minute ago and a short life", async () => {
  const { fake, provider } = setUpOrganization();
  await signIn(provider, fake);
  assert.deepEqual(fake.assertions[0], { iss: "Iv1.abc", iat: clock - 60, exp: clock + 300 });
});

test("S2-59, S2-61: teams are slugs, of all pages", async () => {
  const { fake, provider } = setUpOrganization();
  assert.deepEqual((await signIn(provider, fake)).identity.groups, ["eng", "ops", "on-call", "a", "b"]);
});

const refusals: [what: string, change: (fake: FakeGithub) => void, kind: string][] = [
  ["is no member", (fake) => fake.members.clear(), "refused"],
  [
    "has not accepted the invitation",
    (fake) => fake.members.set("octocat", { state: "pending", teams: [] }),
    "refused",
  ],
  ["is suspended as a member", (fake) => {
    fake.members.set("octocat", { state: "active", teams: [], suspended_at: "2030-01-01T00:00:00Z" });
  }, "refused"],
  ["is suspended at the server", (fake) => fake.user.suspended_at = "2030-01-01T00:00:00Z", "refused"],
  ["has a login that a member had before", (fake) => {
    fake.members.set("octocat", { state: "active", teams: ["eng"], id: 1 });
  }, "refused"],
  ["meets an App that is not installed", (fake) => fake.installed = false, "broken"],
  ["meets an App without the permission for members", (fake) => {
    fake.graphqlErrors = [{ type: "FORBIDDEN", message: "secret-text" }];
  }, "broken"],
  ["meets GraphQL with a spent limit", (fake) => {
    fake.graphqlErrors = [{ type: "RATE_LIMITED", message: "API rate limit exceeded" }];
  }, "unavailable"],
];

for (const [what, change, kind] of refusals) {
  test(`S2-59: whoever ${what} is not let in, nor kept in unless nobody could say`, async () => {
    const { fake, provider } = setUpOrganization();
    const fresh = setUpOrganization();
    change(fresh.fake);
    const failure = await failureOf(signIn(fresh.provider, fresh.fake));
    assert.equal(failure.kind, kind);
    assert.doesNotMatch(failure.message, /secret-text/);
    if (what.includes("not installed")) return; // the installation token is remembered for up to an hour
    const { renewal } = await signIn(provider, fake);
    change(fake);
    assert.equal((await failureOf(renew(provider, renewal))).kind, kind);
  });
}

test("S2-59: a key that is no key refuses the sign-in, and `check` says what is missing", async () => {
  const { fake, provider } = setUp(() => ({ organization: "acme", appPrivateKey: secret("secret-text") }));
  const failure = await failureOf(signIn(provider, fake));
  assert.equal(failure.kind, "broken");
  assert.doesNotMatch(failure.message, /secret-text/);
  const failed = (await provider.check(clock)).filter(({ ok }) => !ok);
  assert.match(failed[0]!.message, /app_private_key_file holds no private key.*Members: read/);
});

test("an installation token that was taken back is replaced once", async () => {
  const { fake, provider } = setUpOrganization();
  await signIn(provider, fake);
  const asked = fake.assertions.length;
  await signIn(provider, fake);
  assert.equal(fake.assertions.length, asked, "remembered");
  const { handle } = fake;
  let refused = 0;
  fake.handle = (request) => {
    if (!request.url.includes("/memberships/") || refused++ > 0) return handle(request);
    return Promise.resolve(json({ message: "Bad credentials" }, { status: 401 }));
  };
  assert.equal((await signIn(provider, fake)).identity.name, "octocat");
  assert.equal(fake.assertions.length, 2 * asked);
});

test("S2-44: a spent rate limit is a 503 for as long as GitHub says, with either kind of header", async () => {
  const limits: [headers: Record<string, string>, status: number][] = [
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(clock + 90) }, 403],
    [{ "retry-after": "90" }, 403],
    [{ "retry-after": "90" }, 429],
  ];
  for (const [headers, status] of limits) {
    const { fake, provider } = setUp();
    const { renewal } = await signIn(provider, fake);
    fake.down = { path: "/api/v3/user", answer: json({ message: "rate limit" }, { status, headers }) };
    await assert.rejects(renew(provider, renewal), { kind: "unavailable", retryAfterSeconds: 90 });
  }
});

test("S2-44: a token of an OAuth app lasts until it is taken back; one of a GitHub App is refreshed", async () => {
  const lasting = setUp();
  const { renewal } = await signIn(lasting.provider, lasting.fake);
  assert.equal((await renew(lasting.provider, renewal)).renewal, renewal);
  lasting.fake.ended.add("octocat");
  assert.equal((await failureOf(renew(lasting.provider, renewal))).kind, "refused");

  const expiring = setUp();
  expiring.fake.expiringTokens = true;
  const first = await signIn(expiring.provider, expiring.fake);
  const rotated: string[] = [];
  const second = await renew(expiring.provider, first.renewal, { rotated: (next) => rotated.push(next) });
  assert.notEqual(second.renewal, first.renewal);
  assert.deepEqual(rotated, [second.renewal]);
  assert.doesNotMatch(second.renewal!, /gho_/, "the short token does not travel");
  assert.equal((await failureOf(renew(expiring.provider, first.renewal))).kind, "refused", "spent");
});

test("api_url leads to github.com, ghe.com and Enterprise Servers", () => {
  assert.deepEqual(githubUrls(), {
    web: "https://github.com",
    api: "https://api.github.com",
    graphql: "https://api.github.com/graphql",
    issuer: "https://github.com/login/oauth",
  });
  assert.equal(githubUrls("https://api.acme.ghe.com/").web, "https://acme.ghe.com");
  assert.equal(githubUrls("https://github.acme.com/api/v3").web, "https://github.acme.com");
  assert.equal(githubUrls("https://github.acme.com/api/v3/").graphql, "https://github.acme.com/api/graphql");
});

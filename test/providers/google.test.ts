// Google: which addresses count, and Workspace accounts and groups by the Directory API.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProviderConfig } from "../../lib/config/config.ts";
import { secret } from "../../lib/config/secrets.ts";
import { google } from "../../lib/providers/google.ts";
import { createFakeGoogle } from "../support/fake_google.ts";
import { fetchFrom, json } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, renew, signIn, visit } from "../support/provider_trip.ts";

const issuer = "https://accounts.example.com";
const ada = { sub: "1076915", email: "ada@example.com", email_verified: true, hd: "example.com" };

async function setUp(changes: (serviceAccount: string) => Partial<ProviderConfig> = () => ({})) {
  const fake = await createFakeGoogle({ issuer, now: () => clock });
  fake.user = { ...ada };
  const config = providerConfig("google", fake, { issuer, apiUrl: issuer, ...changes(fake.serviceAccount) });
  return { fake, provider: google(config, { fetch: fetchFrom(fake) }) };
}

const withWorkspace = (serviceAccount: string) => ({ serviceAccountFile: secret(serviceAccount) });

test("S2-56: Google is asked for the email, and for a refresh token even from those who signed in before", async () => {
  const { fake, provider } = await setUp();
  const { searchParams } = (await visit(provider, fake)).asked;
  assert.equal(searchParams.get("scope"), "openid email");
  assert.equal(searchParams.get("access_type"), "offline");
  assert.equal(searchParams.get("prompt"), "consent");
});

test("S2-56, S2-60: the subject is `sub`, the user name the email", async () => {
  const { fake, provider } = await setUp();
  const { identity } = await signIn(provider, fake);
  assert.deepEqual(identity, { subject: "1076915", name: "ada@example.com", email: "ada@example.com" });
});

test("S2-56: an address that is not verified, or none, is refused; at sign-in and when asked again", async () => {
  for (const change of [{ email_verified: false }, { email: undefined }, { email: "" }]) {
    const { fake, provider } = await setUp();
    const { renewal } = await signIn(provider, fake);
    fake.user = { ...ada, ...change };
    assert.equal((await failureOf(signIn(provider, fake))).kind, "refused");
    assert.equal((await failureOf(renew(provider, renewal))).kind, "refused");
  }
});

test("S2-56: an answer of UserInfo that is no answer is refused", async () => {
  const { fake, provider } = await setUp();
  fake.claims = ({ email: _, ...claims }) => claims; // so that UserInfo is asked
  for (const answer of [json({}, { status: 404 }), new Response("<html>"), json({ email: "x" })]) {
    fake.userinfo = () => answer.clone();
    assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
  }
});

test("S2-55: of an account outside Workspace only gmail.com addresses count, for others were verified once and long ago", async () => {
  const { fake, provider } = await setUp();
  const emails: [email: string, hd: string | undefined, counts: boolean][] = [
    ["ada@gmail.com", undefined, true],
    ["ada@googlemail.com", undefined, true],
    ["left@example.com", undefined, false],
    ["left@example.com", "", false],
    ["gmail.com@evil.example", undefined, false],
    ["ada@example.com", "example.com", true],
  ];
  for (const [email, hd, counts] of emails) {
    fake.user = { ...ada, email, hd };
    const { identity } = await signIn(provider, fake);
    assert.equal(identity.email, counts ? email : undefined, email);
    assert.equal(identity.name, email);
  }
});

test("S2-57: the service account signs in the user's name, or in the administrator's, with the two read-only scopes", async () => {
  for (const [adminEmail, subject] of [[undefined, "ada@example.com"], ["admin@example.com", "admin@example.com"]]) {
    const { fake, provider } = await setUp((key) => ({ ...withWorkspace(key), adminEmail }));
    fake.directory.set("ada@example.com", { groups: [] });
    await signIn(provider, fake);
    const { jti, ...claims } = fake.assertions[0]!;
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(claims, {
      iss: "proxy@project.iam.gserviceaccount.com",
      sub: subject,
      aud: `${issuer}/service-token`,
      scope:
        "https://www.googleapis.com/auth/admin.directory.user.readonly https://www.googleapis.com/auth/admin.directory.group.readonly",
      iat: clock,
      nbf: clock,
      exp: clock + 60,
    });
  }
});

test("S2-57, S2-61: groups are addresses, of all pages", async () => {
  const { fake, provider } = await setUp(withWorkspace);
  const groups = Array.from({ length: 205 }, (_, index) => `Group${index}@example.com`);
  fake.pageSize = 100;
  fake.directory.set("ada@example.com", { groups });
  const { identity } = await signIn(provider, fake);
  assert.deepEqual(identity.groups, groups.map((group) => group.toLowerCase()));
});

test("S2-57: an account that is suspended, archived or deleted is refused, at sign-in and when asked again", async () => {
  const states = [{ suspended: true }, { archived: true }, { deletionTime: "2030-01-01T00:00:00Z" }, undefined];
  for (const state of states) {
    const { fake, provider } = await setUp(withWorkspace);
    fake.directory.set("ada@example.com", { groups: ["eng@example.com"] });
    const { renewal } = await signIn(provider, fake);
    if (state === undefined) fake.directory.delete("ada@example.com");
    else fake.directory.set("ada@example.com", { ...state, groups: ["eng@example.com"] });
    assert.equal((await failureOf(renew(provider, renewal))).kind, "refused");
    assert.equal((await failureOf(signIn(provider, fake))).kind, "refused");
  }
});

test("S2-57: an account outside Workspace has no groups, and the Directory is not asked about it", async () => {
  const { fake, provider } = await setUp(withWorkspace);
  fake.user = { ...ada, email: "ada@gmail.com", hd: undefined };
  assert.equal((await signIn(provider, fake)).identity.groups, undefined);
  assert.equal(fake.assertions.length, 0);
});

test("S2-57: a service account that can't be used refuses the sign-in, and never shows its key", async () => {
  const keys: [what: string, key: (good: string) => string][] = [
    ["no JSON", () => "-----BEGIN PRIVATE KEY-----secret-text"],
    ["no private key", (good) => JSON.stringify({ ...JSON.parse(good), private_key: undefined })],
    ["a broken private key", (good) => JSON.stringify({ ...JSON.parse(good), private_key: "secret-text" })],
    ["a token URL without TLS", (good) => JSON.stringify({ ...JSON.parse(good), token_uri: "http://evil.example/t" })],
  ];
  for (const [what, change] of keys) {
    const { fake, provider } = await setUp((good) => withWorkspace(change(good)));
    const { kind, message } = await failureOf(signIn(provider, fake));
    assert.equal(kind, "broken", what);
    assert.doesNotMatch(message, /secret-text/);
    const failed = (await provider.check(clock)).filter(({ ok }) => !ok);
    assert.deepEqual(failed.map(({ probe }) => probe), ["workspace groups"]);
    assert.match(failed[0]!.message, /service_account_file/);
  }
});

test("S2-57: a spent limit of the Directory API (403) is no refusal; a missing permission is the operator's trouble", async () => {
  const { fake, provider } = await setUp(withWorkspace);
  fake.directory.set("ada@example.com", { groups: [] });
  const answer = (reason: string) => json({ error: { code: 403, errors: [{ reason }] } }, { status: 403 });
  fake.down = { path: "/admin/directory", answer: answer("userRateLimitExceeded") };
  assert.equal((await failureOf(signIn(provider, fake))).kind, "unavailable");
  fake.down = { path: "/admin/directory", answer: answer("forbidden") };
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
});

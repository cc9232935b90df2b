// What holds for every provider: the same questions to Google, GitHub, Entra and any OpenID provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { secret } from "../../lib/config/secrets.ts";
import { createProvider } from "../../lib/providers/create_provider.ts";
import type { Provider } from "../../lib/providers/provider.ts";
import { createFakeEntra, tenantId } from "../support/fake_entra.ts";
import { createFakeGithub } from "../support/fake_github.ts";
import { createFakeGoogle } from "../support/fake_google.ts";
import { createFakeOpenId } from "../support/fake_openid.ts";
import { type FakeServer, fetchFrom } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, redirectUri, renew, signIn, visit } from "../support/provider_trip.ts";

interface Subject {
  provider: Provider;
  /** The same provider, configured with another client secret. */
  misconfigured: Provider;
  fake: FakeServer & { answer: Record<string, string>; clientSecret: string };
  identity: { subject: string; name: string; email: string };
  /** Paths that a sign-in needs after the browser came back. */
  paths: string[];
  /** The user's access at the provider ends. */
  end(): void;
}

const host = "https://id.example.com";
/** What the services go by; a test may move it. */
let time = clock;
const now = () => time;
const wanted = { email: true, groups: false };

const subjects: Record<string, () => Promise<Subject>> = {
  async oidc() {
    const fake = await createFakeOpenId({ issuer: host, now });
    fake.user = { sub: "user-1", preferred_username: "ada", email: "ada@example.com", email_verified: true };
    const make = (fakeLike: { clientId: string; clientSecret: string }) =>
      createProvider(providerConfig("oidc", fakeLike, { issuer: host }), { fetch: fetchFrom(fake), wanted });
    return {
      fake,
      provider: make(fake),
      misconfigured: make({ ...fake, clientSecret: "wrong" }),
      identity: { subject: "user-1", name: "ada", email: "ada@example.com" },
      paths: ["/token", "/keys"],
      end: () => fake.ended.add("user-1"),
    };
  },

  async google() {
    const fake = await createFakeGoogle({ issuer: host, now });
    fake.user = {
      sub: "10769150350006150715113082367",
      email: "Ada@Example.com",
      email_verified: true,
      hd: "example.com",
    };
    fake.directory.set("ada@example.com", { groups: ["Eng@example.com"] });
    const make = (fakeLike: { clientId: string; clientSecret: string }) => {
      const changes = { issuer: host, apiUrl: host, serviceAccountFile: secret(fake.serviceAccount) };
      return createProvider(providerConfig("google", fakeLike, changes), { fetch: fetchFrom(fake), wanted });
    };
    return {
      fake,
      provider: make(fake),
      misconfigured: make({ ...fake, clientSecret: "wrong" }),
      identity: { subject: "10769150350006150715113082367", name: "ada@example.com", email: "ada@example.com" },
      paths: ["/token", "/keys", "/service-token", "/users/", "/groups"],
      end: () => fake.directory.set("ada@example.com", { suspended: true, groups: [] }),
    };
  },

  async github() {
    const fake = createFakeGithub({ now });
    fake.expiringTokens = true;
    fake.user.emails = [{ email: "octo@example.com", primary: true, verified: true }];
    fake.members.set("octocat", { state: "active", teams: ["engineering"] });
    const make = (fakeLike: { clientId: string; clientSecret: string }) => {
      const organization = { organization: "acme", appPrivateKey: secret(fake.appKey) };
      const config = providerConfig("github", fakeLike, { apiUrl: `${host}/api/v3`, ...organization });
      return createProvider(config, { fetch: fetchFrom(fake), wanted });
    };
    return {
      fake,
      provider: make(fake),
      misconfigured: make({ ...fake, clientSecret: "wrong" }),
      identity: { subject: "583231", name: "octocat", email: "octo@example.com" },
      paths: ["/access_token", "/api/v3/user", "/user/emails", "/installation", "/memberships/", "/graphql"],
      end: () => fake.members.delete("octocat"),
    };
  },

  async entra() {
    const fake = await createFakeEntra({ authority: host, tenant: tenantId, now });
    const oid = "99999999-8888-7777-6666-555555555555";
    fake.user = {
      sub: "pairwise",
      oid,
      tid: tenantId,
      preferred_username: "ada@contoso.com",
      email: "ada@contoso.com",
      xms_edov: true,
      hasgroups: true,
    };
    fake.groups = ["group-1", "group-2", "group-3"];
    const make = (fakeLike: { clientId: string; clientSecret: string }) => {
      const changes = { issuer: host, apiUrl: `${host}/v1.0`, tenant: tenantId };
      return createProvider(providerConfig("entra", fakeLike, changes), { fetch: fetchFrom(fake), wanted });
    };
    return {
      fake,
      provider: make(fake),
      misconfigured: make({ ...fake, clientSecret: "wrong" }),
      identity: { subject: `${tenantId}.${oid}`, name: "ada@contoso.com", email: "ada@contoso.com" },
      paths: ["/token", "/keys", "/v1.0/me", "/transitiveMemberOf"],
      end: () => fake.accountEnabled = false,
    };
  },
};

for (const [kind, make] of Object.entries(subjects)) {
  test(`S2-60: ${kind} tells a stable subject, the user name and the verified email, and the same when asked again`, async () => {
    const { provider, fake, identity } = await make();
    const signedIn = await signIn(provider, fake);
    const { subject, name, email } = signedIn.identity;
    assert.deepEqual({ subject, name, email }, identity);
    assert.deepEqual((await renew(provider, signedIn.renewal)).identity, signedIn.identity);
  });

  test(`${kind}: the browser is sent with our own PKCE challenge, state and redirect URI, and without a secret`, async () => {
    const { provider, fake } = await make();
    const { asked } = await visit(provider, fake);
    assert.equal(asked.searchParams.get("response_type"), "code");
    assert.equal(asked.searchParams.get("state"), "the-state");
    assert.equal(asked.searchParams.get("redirect_uri"), redirectUri);
    assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
    assert.equal(asked.searchParams.get("code_challenge")!.length, 43);
    assert.ok(!asked.href.includes(encodeURIComponent(fake.clientSecret)));
  });

  test(`${kind}: who signs in for once is asked for nothing that lasts, and is who they are`, async () => {
    const { provider, fake, identity } = await make();
    const { url, memo } = await provider.begin({ redirectUri, state: "the-state", now: now(), once: true });
    const { searchParams } = new URL(url);
    assert.doesNotMatch(searchParams.get("scope") ?? "", /offline_access/);
    assert.equal(searchParams.get("access_type"), null);
    assert.doesNotMatch(searchParams.get("prompt") ?? "", /consent/);
    const back = (await fake.handle(new Request(url))).headers.get("location")!;
    const answer = Object.fromEntries(new URL(back).searchParams);
    const signedIn = await provider.finish(memo, answer, { redirectUri, now: now() });
    assert.equal(signedIn.identity.subject, identity.subject);
  });

  test(`S2-36: ${kind}: what the provider answers instead of a code is told as ours, never in its words`, async () => {
    const { provider, fake } = await make();
    for (
      const [error, expected] of [
        ["access_denied", "refused"],
        ["server_error", "broken"],
        ["temporarily_unavailable", "unavailable"],
        ["<b>odd</b>", "broken"],
      ] as const
    ) {
      const { memo } = await visit(provider, fake);
      const answer = { state: "the-state", error, error_description: "secret-text of the provider" };
      const { kind, message } = await failureOf(provider.finish(memo, answer, { redirectUri, now: clock }));
      assert.equal(kind, expected, error);
      assert.doesNotMatch(message, /secret-text|<b>/);
    }
  });

  test(`S2-36: ${kind}: an answer that another issuer made is not used (mix-up, RFC 9207 §2.4)`, async () => {
    const { provider, fake } = await make();
    fake.answer = { iss: "https://evil.example.com" };
    const before = fake.requests.length;
    const failure = await failureOf(signIn(provider, fake));
    assert.equal(failure.kind, "broken");
    assert.ok(!fake.requests.slice(before).some((line) => line.startsWith("POST")), "the code was sent nowhere");
  });

  test(`${kind}: a code of another trip is refused, because PKCE binds it`, async () => {
    const { provider, fake } = await make();
    const [mine, other] = [await visit(provider, fake), await visit(provider, fake)];
    const failure = await failureOf(provider.finish(mine.memo, other.answer, { redirectUri, now: clock }));
    assert.equal(failure.kind, "broken");
  });

  test(`S2-36: ${kind}: a client secret that the provider does not take is the operator's trouble, and logs nobody out`, async () => {
    const { provider, misconfigured, fake } = await make();
    const signedIn = await signIn(provider, fake);
    for (const work of [signIn(misconfigured, fake), renew(misconfigured, signedIn.renewal)]) {
      const failure = await failureOf(work);
      assert.equal(failure.kind, "broken");
      assert.doesNotMatch(failure.message, /secret-text|s3cret/);
    }
    assert.deepEqual((await misconfigured.check(clock)).filter(({ ok }) => !ok).map(({ probe }) => probe), [
      "client credentials",
    ]);
    assert.deepEqual((await provider.check(clock)).filter(({ ok }) => !ok), []);
  });

  test(`S2-44: ${kind}: whoever lost access is refused when asked again`, async () => {
    const { provider, fake, end } = await make();
    const { renewal } = await signIn(provider, fake);
    end();
    assert.equal((await failureOf(renew(provider, renewal))).kind, "refused");
  });

  test(`S2-44: ${kind}: a provider that can't say logs nobody out, wherever it fails`, async () => {
    const failures: [string, Response | "unreachable"][] = [
      ["503", new Response("down for secret-text", { status: 503 })],
      ["429", new Response("{}", { status: 429, headers: { "retry-after": "17" } })],
      ["no connection", "unreachable"],
    ];
    for (const [what, answer] of failures) {
      for (const path of (await make()).paths) {
        time = clock;
        const { provider, fake, identity } = await make();
        let { renewal } = await signIn(provider, fake);
        time = clock + 4000; // what was remembered (keys, installation tokens) is asked for again
        fake.down = { path, answer };
        const failure = await failureOf(renew(provider, renewal, { now: time, rotated: (next) => renewal = next }));
        // Keys that are past their time still do.
        assert.equal(failure.kind, path === "/keys" ? "none" : "unavailable", `${what} at ${path}`);
        assert.doesNotMatch(failure.message, /secret-text/);
        fake.down = undefined;
        const again = await renew(provider, renewal, { now: time });
        assert.equal(again.identity.subject, identity.subject, `${what} at ${path}: back again`);
      }
      time = clock;
      const { provider, fake, paths } = await make();
      fake.down = { path: paths[0]!, answer };
      assert.equal((await failureOf(signIn(provider, fake))).kind, "unavailable", what);
    }
  });
}

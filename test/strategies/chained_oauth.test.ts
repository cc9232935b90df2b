import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { OAuthError } from "../../lib/oauth/errors.ts";
import { chainedSetup } from "../support/chained_setup.ts";
import { type FakeProvider, type FakeProviderOptions, startFakeProvider } from "../support/fake_provider.ts";

const running: FakeProvider[] = [];
afterEach(async () => {
  for (const provider of running.splice(0)) await provider.stop();
});

async function fake(options?: FakeProviderOptions): Promise<FakeProvider> {
  const provider = await startFakeProvider(options);
  running.push(provider);
  return provider;
}

function refusedAs(code: string, check: (error: OAuthError) => void = () => {}) {
  return (error: unknown) => {
    assert.ok(error instanceof OAuthError, String(error));
    assert.equal(error.code, code);
    assert.doesNotMatch(error.message, /words of the provider|s3cr3t|at-/);
    check(error);
    return true;
  };
}

test("S1-20: the browser goes to oauth_authorize_url with its query kept, our request and PKCE S256", async () => {
  const setup = chainedSetup(await fake(), { config: { providerScopes: ["repo", "read:org"] } });
  const { url } = await setup.begin();
  const { searchParams } = new URL(url);
  assert.match(searchParams.get("code_challenge")!, /^[\w-]{43}$/);
  searchParams.delete("code_challenge");
  assert.deepEqual(Object.fromEntries(searchParams), {
    audience: "api",
    response_type: "code",
    client_id: "proxy-at-provider",
    redirect_uri: "http://127.0.0.1:8080/callback/mcp/files",
    state: "state-of-22-characters",
    scope: "repo read:org",
    code_challenge_method: "S256",
  });
});

test("S1-20: no scope parameter without oauth_scopes, and no PKCE where it is switched off", async () => {
  const setup = chainedSetup(await fake(), { provider: { pkce: false } });
  const { searchParams } = new URL((await setup.begin()).url);
  assert.equal(searchParams.has("scope"), false);
  assert.equal(searchParams.has("code_challenge"), false);
  assert.ok((await setup.signIn()).credential);
});

test("S1-24: the exchange is a form POST with the secret, the same redirect_uri and the configured Accept", async () => {
  const provider = await fake();
  const setup = chainedSetup(provider, { config: { tokenAccept: "application/vnd.example+json" } });
  const { credential } = await setup.signIn();
  const [{ headers, form }] = provider.tokenRequests as [typeof provider.tokenRequests[0]];
  assert.match(headers["content-type"]!, /^application\/x-www-form-urlencoded/);
  assert.equal(headers.accept, "application/vnd.example+json");
  assert.equal(headers.authorization, undefined);
  assert.match(form.code_verifier!, /^[\w-]{43}$/);
  assert.equal(form.grant_type, "authorization_code");
  assert.equal(form.client_id, "proxy-at-provider");
  assert.equal(form.client_secret, "s3cr3t-of-proxy");
  assert.equal(form.redirect_uri, setup.resource.urls.callback);
  assert.ok(provider.live.has(credential!.value));
  assert.equal(credential!.expiresAt, setup.clock.now + 3600);
});

test("a provider that takes the secret by Basic only is found out once", async () => {
  const provider = await fake({ method: "client_secret_basic" });
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  assert.equal(provider.tokenRequests.length, 2);
  await setup.strategy.renew(grant, setup.clock.now);
  assert.equal(provider.tokenRequests.length, 3);
});

test("RFC 6749 §2.3.1: by Basic id and secret are form-encoded, and no more than that", async () => {
  const provider = await fake({ method: "client_secret_basic", clientId: "my-client_1.2", clientSecret: "a b:c%-_ü" });
  await chainedSetup(provider).signIn();
  const sent = provider.tokenRequests[1]!.headers.authorization!;
  assert.equal(Buffer.from(sent.slice(6), "base64").toString(), "my-client_1.2:a+b%3Ac%25-_%C3%BC");
});

test("S1-27: GitHub's form-encoded answers, 200 with error, and tokens that do not expire", async () => {
  const provider = await fake({ github: true, expiresIn: undefined });
  const setup = chainedSetup(provider, { config: { tokenAccept: "*/*" } });
  const grant = await setup.signIn();
  assert.equal(grant.credential!.expiresAt, undefined);
  const begun = await setup.begin();
  const answer = await setup.visit(begun.url);
  await assert.rejects(setup.finish(begun, { ...answer, code: "another" }), refusedAs("server_error"));
  const failure = setup.events.find(({ event }) => event === "provider_exchange_failed");
  assert.equal(failure?.fields.error, "bad_verification_code");
});

test("S1-27: numeric text in expires_in is a lifetime", async () => {
  const setup = chainedSetup(await fake({ expiresIn: "28800" }));
  assert.equal((await setup.signIn()).credential!.expiresAt, setup.clock.now + 28_800);
});

for (
  const [error, code] of [
    ["access_denied", "access_denied"],
    ["temporarily_unavailable", "temporarily_unavailable"],
    ["invalid_scope", "server_error"],
    ["server_error", "server_error"],
    ["<script>", "server_error"],
  ] as const
) {
  test(`S1-26: the provider's ${error} is the client's ${code}, without the provider's words`, async () => {
    const provider = await fake();
    provider.refuseWith(error);
    const setup = chainedSetup(provider);
    const begun = await setup.begin();
    await assert.rejects(setup.finish(begun, await setup.visit(begun.url)), refusedAs(code));
    assert.equal(provider.tokenRequests.length, 0);
  });
}

for (
  const [what, answer, code] of [
    ["500", { status: 500, body: "at-secret" }, "temporarily_unavailable"],
    ["a page of HTML", { headers: { "content-type": "text/html" }, body: "<h1>at-secret</h1>" }, "server_error"],
    ["a broken connection", { destroy: true }, "temporarily_unavailable"],
    [
      "invalid_client",
      { status: 401, body: `{"error":"invalid_client","error_description":"words of the provider"}` },
      "server_error",
    ],
    ["a redirect", { status: 302, headers: { location: "https://evil.example/" } }, "server_error"],
  ] as const
) {
  test(`S1-26: an exchange that ends with ${what} is ${code}`, async () => {
    const provider = await fake();
    const setup = chainedSetup(provider);
    const begun = await setup.begin();
    const back = await setup.visit(begun.url);
    provider.answerNext(answer, answer);
    await assert.rejects(setup.finish(begun, back), refusedAs(code));
  });
}

test("S1-27: what the provider says is logged without what we sent it", async () => {
  const provider = await fake();
  const setup = chainedSetup(provider);
  const begun = await setup.begin();
  const back = await setup.visit(begun.url);
  const echo = `code ${back.code} of client s3cr3t-of-proxy is wrong, see AADSTS7000215`;
  provider.answerNext({ status: 400, body: JSON.stringify({ error: "invalid_grant", error_description: echo }) });
  await assert.rejects(setup.finish(begun, back));
  assert.deepEqual(setup.events.find(({ event }) => event === "provider_exchange_failed")?.fields, {
    resource: "files",
    provider: new URL(provider.url).host,
    error: "invalid_grant",
    description: "code [secret] of client [secret] is wrong, see AADSTS7000215",
  });
});

test("S1-39: a refresh is one POST with id and secret, and gives a new credential", async () => {
  const provider = await fake({ rotate: true });
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  setup.clock.now += 3500;
  const renewed = await setup.strategy.renew(grant, setup.clock.now);
  assert.equal(provider.tokenRequests.length, 2);
  const { form } = provider.tokenRequests[1]!;
  assert.equal(form.grant_type, "refresh_token");
  assert.equal(form.client_secret, "s3cr3t-of-proxy");
  assert.equal(form.refresh_token, grant.credential!.refreshToken);
  assert.notEqual(renewed.credential!.value, grant.credential!.value);
  assert.notEqual(renewed.credential!.refreshToken, grant.credential!.refreshToken);
  assert.equal(renewed.credential!.expiresAt, setup.clock.now + 3600);
});

test("a provider that does not rotate: its refresh token is kept", async () => {
  const provider = await fake();
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  provider.answerNext({ body: `{"access_token":"at-2","expires_in":60}` });
  const renewed = await setup.strategy.renew(grant, setup.clock.now);
  assert.equal(renewed.credential!.refreshToken, grant.credential!.refreshToken);
});

for (
  const [what, answer, retryAfterSeconds] of [
    ["500", { status: 500 }, 5],
    ["503 with Retry-After", { status: 503, headers: { "retry-after": "17" } }, 17],
    ["429 with a Retry-After of a week", { status: 429, headers: { "retry-after": "604800" } }, 3600],
    ["a broken connection", { destroy: true }, 5],
    ["invalid_client", { status: 401, body: `{"error":"invalid_client"}` }, 5],
    ["invalid_request", { status: 400, body: `{"error":"invalid_request"}` }, 5],
    ["a page of HTML", { body: "<h1>maintenance</h1>" }, 5],
  ] as const
) {
  test(`S1-41: a refresh that ends with ${what} is temporarily_unavailable, and the old token stays good`, async () => {
    const provider = await fake({ rotate: true });
    const setup = chainedSetup(provider);
    const grant = await setup.signIn();
    // An unknown client is asked for by POST and by Basic.
    provider.answerNext(...(what === "invalid_client" ? [answer, answer] : [answer]));
    await assert.rejects(
      setup.strategy.renew(grant, setup.clock.now),
      refusedAs("temporarily_unavailable", (error) => {
        assert.equal(error.status, 503);
        assert.equal(error.retryAfterSeconds, retryAfterSeconds);
      }),
    );
    assert.ok(provider.live.has((await setup.strategy.renew(grant, setup.clock.now)).credential!.value));
    assert.equal(provider.refreshTokensUsedTwice, 0);
  });
}

for (const [github, error] of [[false, "invalid_grant"], [true, "bad_refresh_token"]] as const) {
  test(`S1-39: the provider's ${error} ends the grant and says to re-authorize`, async () => {
    const setup = chainedSetup(await fake({ github }));
    const grant = await setup.signIn();
    const dead = { ...grant, credential: { ...grant.credential!, refreshToken: "gone" } };
    await assert.rejects(
      setup.strategy.renew(dead, setup.clock.now),
      refusedAs("invalid_grant", ({ message }) => assert.match(message, /re-authorize/)),
    );
  });
}

test("D3: without oauth_supports_refresh the provider is never asked while its token lives", async () => {
  const provider = await fake();
  const setup = chainedSetup(provider, { config: { supportsRefresh: false } });
  const grant = await setup.signIn();
  assert.deepEqual(await setup.strategy.renew(grant, setup.clock.now + 3599), grant);
  await assert.rejects(setup.strategy.renew(grant, setup.clock.now + 3600), refusedAs("invalid_grant"));
  assert.equal(provider.tokenRequests.length, 1);
});

test("D3: without a provider refresh token neither; a token that never expires is re-issued for ever", async () => {
  const provider = await fake({ withoutRefreshToken: true, expiresIn: undefined });
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  assert.deepEqual(await setup.strategy.renew(grant, setup.clock.now + 1e8), grant);
  assert.equal(provider.tokenRequests.length, 1);
});

test("a token that can't be renewed and that the downstream refuses before and after a re-issue ends the grant", async () => {
  const setup = chainedSetup(await fake({ withoutRefreshToken: true, expiresIn: undefined }));
  const { strategy, clock } = setup;
  const grant = await setup.signIn();
  const use = { grantId: grant.id, credential: grant.credential!.value };
  assert.equal(await strategy.replace!(use, use.credential, clock.now), undefined);
  assert.deepEqual(await strategy.renew(grant, clock.now + 1), grant);
  assert.equal(await strategy.replace!(use, use.credential, clock.now + 2), undefined);
  await assert.rejects(strategy.renew(grant, clock.now + 3), refusedAs("invalid_grant"));
});

test("one refusal by the downstream, or two that are far apart, end nothing", async () => {
  const setup = chainedSetup(await fake({ withoutRefreshToken: true, expiresIn: undefined }));
  const { strategy, clock } = setup;
  const grant = await setup.signIn();
  const use = { grantId: grant.id, credential: grant.credential!.value };
  for (let time = clock.now; time < clock.now + 3000; time += 300) {
    await strategy.replace!(use, use.credential, time);
    assert.deepEqual(await strategy.renew(grant, time + 1), grant);
  }
});

test("revoking a grant revokes the provider's refresh token (RFC 7009), and failures are only logged", async () => {
  const provider = await fake();
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  await setup.strategy.revoke!(grant);
  assert.equal(provider.revocations.length, 1);
  assert.equal(provider.revocations[0]!.token, grant.credential!.refreshToken);
  assert.equal(provider.revocations[0]!.token_type_hint, "refresh_token");
  assert.equal(provider.revocations[0]!.client_secret, "s3cr3t-of-proxy");
  await provider.stop();
  await setup.strategy.revoke!(grant);
  assert.ok(setup.events.some(({ event }) => event === "provider_revocation_failed"));
});

test("no secret, code or token of a whole flow is in the log", async () => {
  const provider = await fake({ rotate: true });
  const setup = chainedSetup(provider);
  const grant = await setup.signIn();
  const renewed = await setup.strategy.renew(grant, setup.clock.now);
  provider.answerNext({
    status: 400,
    body: `{"error":"invalid_grant","error_description":"${renewed.credential!.refreshToken}"}`,
  });
  await setup.strategy.renew(renewed, setup.clock.now).catch(() => {});
  const text = JSON.stringify(setup.events);
  assert.ok(setup.events.length > 0);
  const sent = provider.tokenRequests.flatMap(({ form }) => [form.code, form.code_verifier, form.refresh_token]);
  for (const value of [...sent, "s3cr3t-of-proxy", renewed.credential!.value]) {
    if (value !== undefined) assert.equal(text.includes(value), false);
  }
});

// What somebody in the middle, or behind a link, tries against a chained sign-in, besides what chained.test.ts shows: state of
// another downstream, another browser, another issuer, a second client, a foreign refresh token.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createBrowser } from "../support/browser.ts";
import { allow, type ChainedStage, stageChained } from "../support/chained_stage.ts";
import { createTestClient, redirectUri, type TestClient } from "../support/oauth_test_client.ts";

let stage: ChainedStage;
let client: TestClient;
before(async () => {
  stage = await stageChained();
  client = await stage.client("files");
});
after(() => stage[Symbol.asyncDispose]());

for (
  const redirect of [
    "https://evil.example/callback",
    "http://127.0.0.1:33418@evil.example/callback",
    "http://evil.example#@127.0.0.1:33418/callback",
    "http://127.0.0.1.evil.example:33418/callback",
    "http://localhost:33418/callback",
    "https://127.0.0.1:33418/callback",
    "http://127.0.0.1:33418/callback/../evil",
    "http://127.0.0.1:33418/callback?next=https://evil.example",
    "http://127.0.0.1:33418/callback#fragment",
    "http://127.0.0.1:33418/Callback",
    "http://127.0.0.1:33418\\@evil.example/callback",
    "//evil.example/callback",
    "javascript:alert(1)",
  ]
) {
  test(`S1-08: a link of a good client with the attacker's redirect ${redirect} is a page, and nobody is sent anywhere`, async () => {
    const { length: before } = stage.provider.authorizations;
    const page = await client.authorize({ redirect_uri: redirect });
    assert.deepEqual([page.status, page.location], [400, undefined]);
    assert.doesNotMatch(page.html, /<form|http-equiv|<script[^>]*>[^<]*evil/i);
    assert.equal(stage.provider.authorizations.length, before);
  });
}

test("S1-23: a yes counts for one client, redirect and downstream: a namesake or another downstream is asked for anew", async () => {
  const [own, other] = ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"];
  const honest = await createTestClient(stage.proxy.url, "files", { redirect_uris: [own] });
  await honest.browser.submit(await honest.authorize({ redirect_uri: own }), { decision: "allow" });
  const again = await honest.authorize({ redirect_uri: own });
  assert.ok(again.location?.startsWith(stage.provider.url), "a yes is remembered");

  const namesake = await createTestClient(stage.proxy.url, "files", { redirect_uris: [other] });
  assert.notEqual(namesake.clientId, honest.clientId);
  const link = { client_id: namesake.clientId, redirect_uri: other };
  const { length: before } = stage.provider.authorizations;
  const hub = again.url.replaceAll("/mcp/files", "/mcp/hub").replaceAll("%2Fmcp%2Ffiles", "%2Fmcp%2Fhub");
  for (const page of [await honest.authorize(link), await honest.browser.get(hub)]) {
    assert.deepEqual([page.status, page.location], [200, undefined]);
    assert.match(page.html, /<form/);
  }
  assert.equal(stage.provider.authorizations.length, before);
});

test("SBP: the attacker's own page, sent off in the victim's browser, allows nothing and begins no trip to the provider", async () => {
  const attacker = await stage.client("files", "Attacker");
  const page = await attacker.authorize();
  const victim = createBrowser();
  await victim.get(`${stage.proxy.url}/`);
  const crossSite: Record<string, string> = { "origin": "https://evil.example", "sec-fetch-site": "cross-site" };
  for (const headers of [{}, crossSite]) {
    const answer = await victim.submit(page, { decision: "allow" }, headers);
    assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
    assert.equal(answer.location, undefined);
    assert.deepEqual([...victim.cookies.keys()].filter((name) => name.includes("flow")), []);
  }
});

test("S1-22: a provider link that the attacker began and the victim followed gives neither of them a code", async () => {
  const attacker = await stage.client("files", "Attacker");
  const providerUrl = await allow(attacker);
  const victim = createBrowser();
  const atCallback = await victim.follow(await victim.get(providerUrl), redirectUri);
  assert.deepEqual([atCallback.status, atCallback.location], [400, undefined]);
  // The victim's code at the provider was not redeemed: no tokens came into being that somebody could get at.
  const callback = new URL(atCallback.url);
  const code = callback.searchParams.get("code");
  assert.notEqual(code, null);
  assert.equal(stage.provider.tokenRequests.some(({ form }) => form.code === code), false);
});

test("S1-22: a trip too long for a cookie is bound to its browser as well: knowing the state is not enough", async () => {
  const state = Array.from({ length: 600 }, () => crypto.randomUUID().slice(0, 8)).join("");
  const atProvider = await allow(client, { state });
  const callback = (await client.browser.get(atProvider)).location!;
  const thief = createBrowser();
  const trip = new URL(callback).searchParams.get("state")!;
  for (const guess of ["kept", trip, ""]) {
    thief.cookies.set(`mcp-flow-${trip}`, guess);
    assert.deepEqual([(await thief.get(callback)).status, guess], [400, guess]);
  }
  const back = await client.browser.get(callback);
  assert.equal(new URL(back.location!).searchParams.get("state"), state);
});

test("S1-31: the victim's code is worth nothing to another client, with or without the right verifier", async () => {
  const { code } = await unredeemed();
  const attacker = await stage.client("files", "Attacker");
  assert.equal((await attacker.redeem(code)).body.error, "invalid_grant");
  assert.equal((await client.redeem(code, { code_verifier: "y".repeat(43) })).body.error, "invalid_grant");
  assert.equal((await client.redeem(code)).status, 200);
});

/** A code in the hands of whoever saw the redirect. */
async function unredeemed(): Promise<{ code: string }> {
  const page = await client.authorize();
  const consented = page.location === undefined ? await client.browser.submit(page, { decision: "allow" }) : page;
  const back = await client.browser.follow(consented, redirectUri);
  return { code: new URL(back.location!).searchParams.get("code")! };
}

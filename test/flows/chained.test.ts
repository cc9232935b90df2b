// Chained OAuth through the whole proxy, as a client and a browser see it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allow, type ChainedStage, signIn, stageChained, toClient } from "../support/chained_stage.ts";
import { redirectUri, type TestClient } from "../support/oauth_test_client.ts";

const call = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
};

let stage: ChainedStage;
let files: TestClient;
let hub: TestClient;
before(async () => {
  stage = await stageChained();
  files = await stage.client("files");
  hub = await stage.client("hub");
});
after(() => stage[Symbol.asyncDispose]());

test("S1-20, S1-24, S1-37, S1-38: consent, provider, code, our own tokens, the provider's token downstream", async () => {
  const providerUrl = new URL(await allow(hub));
  assert.equal(providerUrl.origin, stage.hubProvider.url);
  const { state, code_challenge, ...asked } = Object.fromEntries(providerUrl.searchParams);
  assert.match(state!, /^[\w-]{22}$/);
  assert.match(code_challenge!, /^[\w-]{43}$/);
  assert.deepEqual(asked, {
    audience: "hub",
    response_type: "code",
    client_id: "proxy-at-provider",
    redirect_uri: `${stage.proxy.url}/callback/mcp/hub`,
    scope: "repo read:org",
    code_challenge_method: "S256",
  });
  const back = await toClient(hub, providerUrl.href);
  assert.equal(back.searchParams.get("state"), "the state");
  assert.equal(back.searchParams.get("iss"), `${stage.proxy.url}/mcp/hub`);
  const { status, body } = await hub.redeem(back.searchParams.get("code")!);
  assert.equal(status, 200);
  assert.equal(body.token_type, "Bearer");
  assert.ok(Math.abs(body.expires_in! - 3600) <= 5, "as long as the provider's, whose seconds already run");
  const { length: before } = stage.hub.tokens;
  assert.equal((await hub.mcp(body.access_token!, call)).status, 200);
  const [sent] = stage.hub.tokens.slice(before);
  assert.ok(stage.hubProvider.live.has(sent!));
  assert.equal(JSON.stringify([body, back.href]).includes(sent!), false);
});

test("an OAuth-protected MCP server behind nothing but its URL; refresh rotates ours and the provider's", async () => {
  const { answer } = await signIn(files);
  assert.equal((await files.mcp(answer.body.access_token!, call)).status, 200);
  const refreshed = await files.refresh(answer.body.refresh_token!);
  assert.equal(refreshed.status, 200);
  assert.notEqual(refreshed.body.refresh_token, answer.body.refresh_token);
  assert.equal((await files.mcp(refreshed.body.access_token!, call)).status, 200);
  // A lost answer, and parallel calls: the very same pair, and one refresh at the provider.
  const again = await Promise.all([1, 2, 3].map(() => files.refresh(answer.body.refresh_token!)));
  for (const { body } of again) assert.deepEqual(body, refreshed.body);
  assert.equal(stage.provider.refreshTokensUsedTwice, 0);
});

test("S1-25: callback without code or state is 400, on a passthrough or unknown downstream 400 and 404", async () => {
  const callback = `${stage.proxy.url}/callback/mcp/files`;
  for (const query of ["", "?code=x", "?state=x", "?code=&state=x"]) {
    assert.equal((await files.browser.get(callback + query)).status, 400, query);
  }
  assert.equal((await files.browser.get(`${stage.proxy.url}/callback/mcp/nobody?code=x&state=y`)).status, 404);
});

test("S1-26: the provider's error reaches the client in our words, with state and iss", async () => {
  for (const [error, told] of [["access_denied", "access_denied"], ["unauthorized_client", "server_error"]] as const) {
    stage.provider.refuseWith(error);
    const back = await toClient(files, await allow(files));
    stage.provider.refuseWith(undefined);
    assert.ok(back.href.startsWith(redirectUri));
    assert.equal(back.searchParams.get("error"), told);
    assert.equal(back.searchParams.get("state"), "the state");
    assert.equal(back.searchParams.get("iss"), `${stage.proxy.url}/mcp/files`);
    assert.doesNotMatch(back.href, /words.of.the.provider/);
  }
});

test("S1-26: an exchange that fails is the client's server_error or temporarily_unavailable", async () => {
  for (
    const [answer, told] of [
      [{ status: 400, body: '{"error":"invalid_grant","error_description":"words of the provider"}' }, "server_error"],
      [{ status: 503 }, "temporarily_unavailable"],
    ] as const
  ) {
    const providerUrl = await allow(files);
    stage.provider.answerNext(answer);
    const back = await toClient(files, providerUrl);
    assert.equal(back.searchParams.get("error"), told);
    assert.doesNotMatch(back.href, /words.of.the.provider/);
  }
});

/** The callback URL that the provider sends the browser to, not visited yet. */
async function callbackOf(client: TestClient): Promise<URL> {
  const { location } = await client.browser.get(await allow(client));
  return new URL(location!);
}

test("S1-21, S1-22: a changed, foreign or spent state is a 400 page and no redirect", async () => {
  const callback = await callbackOf(files);
  const state = callback.searchParams.get("state")!;
  for (const forged of [`${state.slice(0, -1)}_`, "x", "a.b", state + state, "\u{1F600}"]) {
    const url = new URL(callback);
    url.searchParams.set("state", forged);
    const page = await files.browser.get(url.href);
    assert.deepEqual([page.status, page.location], [400, undefined], forged);
  }
  assert.equal((await files.browser.get(callback.href)).status, 303);
  assert.equal((await files.browser.get(callback.href)).status, 400);
});

test("S1-22: consent in one browser and callback in another is refused: nobody can be signed in as somebody else", async () => {
  const callback = await callbackOf(files);
  const victim = await stage.client("files");
  assert.equal((await victim.browser.get(callback.href)).status, 400);
});

test("S1-22: the state of one downstream at another's callback is refused, and its code goes nowhere (mix-up)", async () => {
  const callback = await callbackOf(files);
  const { length: before } = stage.hubProvider.tokenRequests;
  const elsewhere = callback.href.replace("/callback/mcp/files", "/callback/mcp/hub");
  assert.equal((await files.browser.get(elsewhere)).status, 400);
  assert.equal(stage.hubProvider.tokenRequests.length, before);
});

test("RFC 9207: an answer that names another issuer never reaches the token endpoint", async () => {
  const callback = await callbackOf(files);
  callback.searchParams.set("iss", "https://honest.example");
  const { length: before } = stage.provider.tokenRequests;
  const { location } = await files.browser.get(callback.href);
  assert.equal(new URL(location!).searchParams.get("error"), "server_error");
  assert.equal(stage.provider.tokenRequests.length, before);
});

test("S1-23: a second client gets a consent page of its own, though the browser is signed in at the provider (confused deputy)", async () => {
  await signIn(files);
  const attacker = await stage.client("files", "Attacker");
  const page = await files.browser.get(
    `${stage.proxy.url}/authorize/mcp/files?${new URLSearchParams({
      response_type: "code",
      client_id: attacker.clientId,
      redirect_uri: redirectUri,
      code_challenge: "x".repeat(43),
      code_challenge_method: "S256",
    })}`,
  );
  assert.equal(page.status, 200);
  assert.match(page.html, /<form/);
  const { length: before } = stage.provider.authorizations;
  const stolen = await files.browser.get(
    `${stage.proxy.url}/authorize/mcp/files?${new URLSearchParams({
      response_type: "code",
      client_id: attacker.clientId,
      redirect_uri: "https://evil.example/",
      code_challenge: "x".repeat(43),
      code_challenge_method: "S256",
    })}`,
  );
  assert.deepEqual([stolen.status, stolen.location], [400, undefined]);
  assert.equal(stage.provider.authorizations.length, before);
});

test("S1-40: a refresh token of another client or for another downstream is refused, and the provider is not asked", async () => {
  const { answer } = await signIn(files);
  const other = await stage.client("files", "Other");
  const { length: before } = stage.provider.tokenRequests;
  for (const thief of [other, hub]) {
    assert.deepEqual(
      (({ status, body }) => [status, body.error])(await thief.refresh(answer.body.refresh_token!)),
      [400, "invalid_grant"],
    );
  }
  assert.equal(stage.provider.tokenRequests.length, before);
});

test("S1-41: while the provider is down a refresh is 503 with Retry-After, and the old token stays good", async () => {
  const { answer } = await signIn(files);
  for (const trouble of [{ status: 500 }, { status: 429, headers: { "retry-after": "9" } }, { destroy: true }]) {
    stage.provider.answerNext(trouble);
    const refused = await files.refresh(answer.body.refresh_token!);
    assert.deepEqual([refused.status, refused.body.error], [503, "temporarily_unavailable"]);
    assert.match(refused.headers.get("retry-after")!, /^[1-9]/);
  }
  assert.equal((await files.refresh(answer.body.refresh_token!)).status, 200);
});

test("S1-39: the provider's own invalid_grant ends the grant, and signing in again helps", async () => {
  const { answer } = await signIn(files);
  stage.provider.answerNext({ status: 400, body: '{"error":"invalid_grant"}' });
  const refused = await files.refresh(answer.body.refresh_token!);
  assert.deepEqual([refused.status, refused.body.error], [400, "invalid_grant"]);
  assert.match(refused.body.error_description!, /re-authorize/);
  assert.equal((await files.refresh(answer.body.refresh_token!)).status, 400);
  assert.equal((await signIn(files)).answer.status, 200);
});

test("revoking our refresh token revokes the provider's", async () => {
  const { answer } = await signIn(hub);
  const { length: before } = stage.hubProvider.revocations;
  assert.equal((await hub.revoke(answer.body.refresh_token!)).status, 200);
  assert.equal(stage.hubProvider.revocations.length, before + 1);
  assert.equal((await hub.mcp(answer.body.access_token!, call)).status, 401);
});

test("RFC 7009 §2.1: what the provider gives to a refresh that is under way does not outlive the revocation", async () => {
  const before = new Set(stage.provider.liveRefreshTokens);
  const { answer } = await signIn(files);
  const held = stage.provider.holdNextAnswer();
  const refreshing = files.refresh(answer.body.refresh_token!);
  await held.carriedOut;
  assert.equal((await files.revoke(answer.body.refresh_token!)).status, 200);
  const fresh = [...stage.provider.liveRefreshTokens].filter((token) => !before.has(token));
  assert.equal(fresh.length, 1, "the provider has given a new one, which nobody could revoke yet");
  held.release();
  assert.equal((await refreshing).body.error, "invalid_grant");
  assert.equal(stage.provider.revocations.at(-1)!.token, fresh[0]);
  assert.deepEqual([...stage.provider.liveRefreshTokens].filter((token) => !before.has(token)), []);
});

test("D3: a restart with the memory store costs nobody a login", async () => {
  const { answer } = await signIn(files);
  await stage.restart();
  assert.equal((await files.mcp(answer.body.access_token!, call)).status, 200);
  const refreshed = await files.refresh(answer.body.refresh_token!);
  assert.equal(refreshed.status, 200);
  assert.equal((await files.mcp(refreshed.body.access_token!, call)).status, 200);
  assert.equal((await signIn(hub)).answer.status, 200);
});

test("S1-55: no secret, token, code, verifier or state of all this is in the log at its finest level", async () => {
  const text = await stage.proxy.settledOutput();
  const requests = [...stage.provider.tokenRequests, ...stage.hubProvider.tokenRequests];
  const secrets = requests.flatMap((
    { form },
  ) => [form.code, form.code_verifier, form.refresh_token, form.client_secret]);
  const states = stage.provider.authorizations.map((query) => query.get("state")!);
  const found = [...secrets, ...states, ...stage.provider.live, ...stage.hubProvider.live]
    .filter((secret) => secret !== undefined && text.includes(secret));
  assert.ok(text.includes("token_issued"));
  assert.deepEqual(found, []);
});

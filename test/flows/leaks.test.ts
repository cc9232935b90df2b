// S1-55, for every strategy: a whole flow with its wrong turns at `trace`, and then everything that the process wrote, said or
// shows is searched for what opens a door.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Page } from "../support/browser.ts";
import type { FakeProvider } from "../support/fake_provider.ts";
import { badKey, type LeakStage, stageLeaks } from "../support/leak_stage.ts";
import { redirectUri, type TestClient, verifier } from "../support/oauth_test_client.ts";
import { needs } from "../support/programs.ts";

/** Names of secrets, and the secrets. */
interface Used {
  /** What nobody outside may ever see. */
  inner: Map<string, string>;
  /** What clients and browsers hold by right, and nothing else does. */
  outer: Map<string, string>;
}

const call = { method: "POST", body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' };
const isBinaryOrDeno = "Deno" in globalThis || process.env.MCP_OAUTH_PROXY_BIN !== undefined;
const strategies: Record<string, (stage: LeakStage, used: Used) => Promise<void>> = {
  passthrough,
  chained,
  discovered,
  login,
};

for (const kind of ["sqlite", "redis"] as const) {
  // The store is the same code on every runtime; one of them is enough for the second kind.
  const skip = kind === "redis" && (isBinaryOrDeno ? "once is enough" : needs("redis-server"));
  test(`S1-55: with ${kind}, no secret of any strategy is in logs, metrics, arguments, store, pages or redirects`, {
    skip,
  }, async () => {
    await using stage = await stageLeaks(kind);
    const used: Used = { inner: new Map(stage.secrets), outer: new Map([["code_verifier", verifier]]) };
    for (const flow of Object.values(strategies)) await flow(stage, used);
    const { answers, ...kept } = await stage.places();
    for (const seen of ["token_issued", "request_served", "callback", "authenticate"]) {
      assert.ok(kept.log.includes(seen), `${seen} did not happen, so the silence about it would prove nothing`);
    }
    assert.match(kept.store, /spent:/);
    assert.deepEqual(found({ answers }, used.inner), []);
    assert.deepEqual(found(kept, new Map([...used.inner, ...used.outer])), []);
    checkReferrers(answers);
  });
}

/** `place: name` of each secret that is in a place, as it is or in another spelling. */
function found(places: Record<string, string>, secrets: Map<string, string>): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    [...secrets].filter(([, secret]) =>
      [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")]
        .some((spelling) => text.includes(spelling))
    ).map(([name]) => `${place}: ${name}`)
  );
}

/** A page or redirect may have a code in its address; the browser must not tell the next server. */
function checkReferrers(answers: string): void {
  const heads = answers.match(/^HTTP\/1\.1 [\s\S]*?\r\n\r\n/gm) ?? [];
  const inBrowser = heads.filter((head) => /^(location|content-type: text\/html)/im.test(head));
  assert.ok(inBrowser.length > 10);
  assert.deepEqual(inBrowser.filter((head) => !/^referrer-policy: no-referrer\r$/im.test(head)), []);
}

async function passthrough(stage: LeakStage, used: Used): Promise<void> {
  const [key, wrong] = [`key-${randomBytes(12).toString("hex")}`, badKey()];
  used.inner.set("pasted key", key).set("wrong key", wrong);
  const client = stage.client("passthrough");
  const page = await authorize(client, used);
  const again = await client.browser.submit(page, { token: wrong, decision: "allow" });
  assert.equal(again.status, 400);
  const tokens = await redeem(stage, client, {
    back: await client.browser.submit(again, { token: key, decision: "allow" }),
    used,
  });
  // A reverse proxy that the operator named hears the key, and nobody else does.
  const ask = (token: string) =>
    fetch(`${stage.origin}/authenticate/mcp/passthrough`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask(tokens.access_token!)).headers.get("authorization"), `Bearer ${key}`);
  assert.equal((await ask(`${tokens.access_token}x`)).status, 401);
}

async function chained(stage: LeakStage, used: Used): Promise<void> {
  const words = "words-of-the-provider";
  await throughProvider(stage, { name: "chained", used });
  stage.provider.answerNext({ status: 400, body: `{"error":"invalid_request","error_description":"${words}"}` });
  await throughProvider(stage, { name: "chained", used, ends: "error" });
  keepProviderSecrets(stage.provider, used);
  assert.deepEqual(found({ answers: (await stage.places()).answers }, new Map([["the provider's words", words]])), []);
}

async function discovered(stage: LeakStage, used: Used): Promise<void> {
  await throughProvider(stage, { name: "discovered", used });
  keepProviderSecrets(stage.registering, used);
}

/** Codes, verifiers and tokens that went to and from a provider, and the secret that a registration gave. */
function keepProviderSecrets({ tokenRequests, live, authorizations }: FakeProvider, { inner, outer }: Used): void {
  for (const { form, headers } of tokenRequests) {
    const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
    const secrets = {
      "code": form.code,
      "code_verifier": form.code_verifier,
      "refresh_token": form.refresh_token,
      "client_secret": form.client_secret,
      "credentials": basic,
      "registered secret": basic && Buffer.from(basic, "base64").toString().split(":")[1],
    };
    for (const [name, secret] of Object.entries(secrets)) {
      if (secret) inner.set(`a provider's ${name}, ${inner.size}`, secret);
    }
  }
  for (const token of live) inner.set(`a provider's access token, ${inner.size}`, token);
  for (const query of authorizations) outer.set(`our code_challenge, ${outer.size}`, query.get("code_challenge")!);
}

async function login(stage: LeakStage, used: Used): Promise<void> {
  stage.openId.user = { sub: "user-1", email: "ada@example.com", email_verified: true };
  const tokens = await throughProvider(stage, { name: "login", used });
  const answer = await fetch(`${stage.origin}/authenticate/mcp/login`, {
    headers: { authorization: `Bearer ${tokens!.access_token}` },
  });
  assert.equal(answer.status, 200);
  stage.openId.user = { sub: "user-2", email: "eve@evil.example", email_verified: true };
  await throughProvider(stage, { name: "login", used, ends: "error" });
  for (const secret of stage.openId.secrets) used.inner.set(`login provider's ${used.inner.size}`, secret);
  assert.ok(stage.openId.secrets.length >= 6);
}

/** Consent, the provider, and back. Undefined where the provider's answer, or the user, was refused. */
async function throughProvider(
  stage: LeakStage,
  { name, used, ends = "code" }: { name: string; used: Used; ends?: "code" | "error" },
) {
  const client = stage.client(name);
  const begun = await client.browser.submit(await authorize(client, used), { decision: "allow" });
  const atProvider = await client.browser.get(begun.location!);
  for (const [cookie, value] of client.browser.cookies) used.outer.set(`cookie ${cookie}`, value);
  const providerCode = new URL(atProvider.location!).searchParams.get("code");
  if (providerCode !== null) used.inner.set(`${name}: code of the provider ${used.inner.size}`, providerCode);
  const back = await client.browser.follow(atProvider, redirectUri);
  if (ends === "code") return await redeem(stage, client, { back, used });
  assert.ok(new URL(back.location!).searchParams.has("error"));
  await client.browser.get(atProvider.location!); // once more: an error page
  return undefined;
}

async function authorize(client: TestClient, used: Used): Promise<Page> {
  const state = `state-${randomBytes(12).toString("hex")}`;
  used.outer.set(`state of ${client.mcpUrl}`, state);
  const page = await client.authorize({ state });
  used.outer.set(`request of ${client.mcpUrl}`, /name="request" value="([^"]+)"/.exec(page.html)![1]!);
  for (const [cookie, value] of client.browser.cookies) used.outer.set(`cookie ${cookie}`, value);
  await client.authorize({ state, code_challenge: undefined });
  await client.authorize({ state, redirect_uri: "https://evil.example/" });
  return page;
}

/** The code for its tokens, a call, a refresh, and what goes wrong there. */
async function redeem(stage: LeakStage, client: TestClient, { back, used }: { back: Page; used: Used }) {
  const proof = { client_secret: stage.secrets.get("client_secret of the client")! };
  const keep = (name: string, value: string | null | undefined) => {
    assert.ok(value, `${name} of ${client.mcpUrl}: ${back.status} ${back.location} ${back.html}`);
    used.outer.set(`${name} of ${client.mcpUrl}`, value);
    return value;
  };
  const code = keep("code", new URL(back.location ?? "about:blank").searchParams.get("code"));
  const guess = `guess-${randomBytes(12).toString("hex")}`;
  used.inner.set(`guess ${used.inner.size}`, guess);
  assert.equal((await client.redeem(code, { client_secret: guess })).status, 401);
  assert.equal((await client.redeem(code, { ...proof, code_verifier: guess.repeat(2) })).status, 400);
  const tokens = (await client.redeem(code, proof)).body;
  keep("access token", tokens.access_token);
  assert.equal((await client.mcp(tokens.access_token!, call)).status, 200);
  assert.equal((await client.mcp(guess, call)).status, 401);
  const renewed = (await client.refresh(keep("refresh token", tokens.refresh_token), proof)).body;
  keep("second access token", renewed.access_token);
  keep("second refresh token", renewed.refresh_token);
  assert.equal((await client.mcp(renewed.access_token!, call)).status, 200);
  await client.browser.get(`${new URL(client.mcpUrl).origin}/nowhere?code=${code}`);
  await client.browser.get(`${new URL(client.mcpUrl).origin}/apps`);
  return renewed;
}

// What changes or arrives while something else is open: a policy under a page, a line end in a line. store_races.test.ts has
// the races for codes and tokens.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createFakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { createTestClient } from "../support/oauth_test_client.ts";
import { startProxy } from "../support/proxy_process.ts";
import { recordingDownstream } from "../support/recording_downstream.ts";

async function stage(more = "") {
  const downstream = await recordingDownstream();
  const proxy = await startProxy({
    toml: `
[rate_limit]
per_address = 0
per_client = 0
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
${more}`,
  });
  return {
    proxy,
    client: await createTestClient(proxy.url, "notes"),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await downstream[Symbol.asyncDispose]();
    },
  };
}

test("S1-08: when the policy stops allowing a redirect URI, nothing more goes there: not from an open page, not from a callback, not for an unspent code", async () => {
  const openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  const provider = listen(openId);
  openId.moveTo(provider.url);
  await using on = await stage(`
[provider.company]
kind = "oidc"
issuer = "${provider.url}"
client_id = "${openId.clientId}"
client_secret = "${openId.clientSecret}"
[downstream.wiki]
display_name = "Wiki"
strategy = "login"
allow_everyone = true
`);
  const wiki = await createTestClient(on.proxy.url, "wiki");
  const callbackOf = async () => {
    const atProvider = await wiki.browser.submit(await wiki.authorize(), { decision: "allow" });
    return (await wiki.browser.get(atProvider.location!)).location!;
  };
  const page = await on.client.authorize();
  const unspent = await on.client.code("the-key");
  const callbacks = [await callbackOf(), (await callbackOf()).replace(/code=[^&]*/, "error=access_denied")];
  const config = readFileSync(on.proxy.configPath, "utf8");
  writeFileSync(on.proxy.configPath, `${config}\n[clients]\nredirects = ["chatgpt"]\n`);
  process.kill(on.proxy.pid, "SIGHUP");
  await eventually(async () => assert.match(on.proxy.output(), /configuration_reloaded/));
  for (const decision of ["allow", "deny"]) {
    const answer = await on.client.browser.submit(page, { token: "the-key", decision });
    assert.deepEqual([answer.status, answer.location], [400, undefined]);
  }
  for (const callback of callbacks) {
    const answer = await wiki.browser.get(callback);
    assert.deepEqual([answer.status, answer.location], [400, undefined]);
    assert.match(answer.html, /redirect_uri/);
  }
  assert.ok(!openId.requests.includes("POST /token"), "the provider's code was redeemed");
  assert.equal((await on.client.redeem(unspent)).body.error, "invalid_grant");
  await provider[Symbol.asyncDispose]();
});

test("a path with line ends and escapes of a terminal makes no line of its own in a log for people", async () => {
  await using proxy = await startProxy({
    toml: `
[log]
format = "text"
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "http://127.0.0.1:9/mcp"
`,
  });
  await fetch(`${proxy.url}/%0A12:00:00%20info%20%20%20%20token_forged%0D%1B[2J%C2%9B31m`);
  await eventually(async () => assert.match(proxy.output(), /token_forged/));
  assert.doesNotMatch(await proxy.settledOutput(), /^\S+ +info +token_forged/m);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(proxy.output(), /[\r\x1B\x7F-\x9F]/);
});

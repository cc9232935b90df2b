// The key page in a real browser: what no HTTP client can tell. Chrome enforces form-action along redirects, SameSite and
// __Host- by its own rules, and frames as it reads the headers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { type CallbackServer, startCallbackServer } from "../support/callback_server.ts";
import { launchChromium, withoutChromium as skip } from "../support/chromium.ts";
import { challenge, createTestClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

let downstream: RecordingDownstream;
let proxy: ProxyProcess;
let browser: Browser;
let clientServer: CallbackServer;
let redirectUri: string;
let authorizeUrl: string;

before(async () => {
  if (skip) return;
  downstream = await recordingDownstream();
  proxy = await startProxy({
    toml: `
[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });
  clientServer = await startCallbackServer();
  redirectUri = clientServer.redirectUri;
  const client = await createTestClient(proxy.url, "notes", { redirect_uris: [redirectUri] });
  authorizeUrl = `${proxy.url}/authorize/mcp/notes?` + new URLSearchParams({
    response_type: "code",
    client_id: client.clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s",
  });
  browser = await launchChromium();
});
after(async () => {
  if (skip) return;
  await browser.close();
  await clientServer[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

for (const javaScriptEnabled of [true, false]) {
  test(
    `the user pastes a key and lands at the client, JavaScript ${javaScriptEnabled ? "on" : "off"} (form-action rule)`,
    { skip },
    async () => {
      const context = await browser.newContext({ javaScriptEnabled });
      const page = await context.newPage();
      const violations: string[] = [];
      page.on("console", (message) => void violations.push(message.text()));
      await page.goto(authorizeUrl);
      await page.getByLabel("API key or token").fill("the-key");
      await page.getByRole("button", { name: "Authorize" }).click();
      await page.waitForURL(`${redirectUri}?**`);
      assert.ok(new URL(page.url()).searchParams.get("code"));
      assert.deepEqual(violations.filter((text) => /Content.Security.Policy/i.test(text)), []);
      await context.close();
    },
  );
}

test("refusing works without a key, and Enter in the field allows", { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(authorizeUrl);
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.waitForURL(`${redirectUri}?**`);
  assert.equal(new URL(page.url()).searchParams.get("error"), "access_denied");
  await page.goto(authorizeUrl);
  await page.getByLabel("API key or token").fill("the-key");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${redirectUri}?**`);
  assert.ok(new URL(page.url()).searchParams.get("code"));
  await context.close();
});

test("S1-16: another site can't frame the page, and its own copy of the form is refused", { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(authorizeUrl);
  const sealed = await page.locator("input[name=request]").getAttribute("value");
  const attacker = `http://localhost:${new URL(redirectUri).port}/`;
  await page.goto(attacker);
  await page.setContent(`<iframe src="${authorizeUrl}"></iframe>`);
  const frame = page.frames()[1]!;
  await frame.waitForURL(/chrome-error|authorize/).catch(() => {});
  assert.equal(await frame.locator("input[name=token]").count(), 0);
  await page.setContent(
    `<form method="post" action="${proxy.url}/authorize/mcp/notes"><input name="request" value="${sealed}">
    <input name="token" value="attackers-key"><button name="decision" value="allow">x</button></form>`,
  );
  await page.getByRole("button").click();
  await page.getByText("opened in another browser").waitFor();
  assert.ok(page.url().startsWith(proxy.url));
  await context.close();
});

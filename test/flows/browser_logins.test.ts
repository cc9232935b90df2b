// Each strategy's whole login in Chromium, over http on loopback and over TLS behind Caddy: what cookies, redirects and policies
// really do there. The provider (oidc-provider) is another site in the second case, as in life.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type Caddy, startCaddy } from "../support/caddy.ts";
import { type CallbackServer, startCallbackServer } from "../support/callback_server.ts";
import { launchChromium, withoutChromiumOrOnce } from "../support/chromium.ts";
import { freePort } from "../support/free_port.ts";
import { challenge, createTestClient, testClient } from "../support/oauth_test_client.ts";
import { type OpenIdProviderProcess, startOpenIdProvider } from "../support/openid_provider.ts";
import { needs } from "../support/programs.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

const skip = withoutChromiumOrOnce ?? needs("caddy");
const ada = { preferred_username: "ada", email: "ada@example.com", email_verified: true };
const publicHost = "client.example.com";
const webClient = "https://claude.ai/api/mcp/auth_callback";

/** One proxy as its users reach it. */
interface Ground {
  proxy: ProxyProcess;
  /** Origin in the browser. */
  origin: string;
  redirectUri: string;
}

let downstream: RecordingDownstream;
let provider: OpenIdProviderProcess;
let callback: CallbackServer;
let caddy: Caddy;
let browser: Browser;
const grounds: Record<"http" | "tls", Ground> = {} as never;

before(async () => {
  if (skip) return;
  const [httpPort, tlsPort, behindTls] = [await freePort(), await freePort(), await freePort()];
  const origins = { http: `http://127.0.0.1:${httpPort}`, tls: `https://${publicHost}:${tlsPort}` };
  downstream = await recordingDownstream();
  callback = await startCallbackServer();
  provider = await startOpenIdProvider({
    redirectUris: Object.values(origins).flatMap((origin) =>
      ["mcp/files", "mcp/wiki", "apps/company"].map((place) => `${origin}/callback/${place}`)
    ),
    accounts: { ada },
  });
  const toml = configuration();
  grounds.http = {
    proxy: await startProxy({ port: httpPort, toml }),
    origin: origins.http,
    redirectUri: callback.redirectUri,
  };
  grounds.tls = {
    proxy: await startProxy({ port: behindTls, publicUrl: origins.tls, toml }),
    origin: origins.tls,
    redirectUri: webClient,
  };
  caddy = await startCaddy(tlsPort, {
    [publicHost]: `reverse_proxy 127.0.0.1:${behindTls}`,
    "claude.ai": `header Content-Type text/html\n  respond "the client has its answer"`,
  });
  browser = await launchChromium([
    `--host-resolver-rules=MAP ${publicHost} 127.0.0.1, MAP claude.ai:443 127.0.0.1:${tlsPort}`,
  ]);
});
after(async () => {
  if (skip) return;
  await browser.close();
  await caddy[Symbol.asyncDispose]();
  for (const { proxy } of Object.values(grounds)) await proxy[Symbol.asyncDispose]();
  for (const each of [provider, callback, downstream]) await each[Symbol.asyncDispose]();
});

const configuration = () => `
[provider.company]
kind = "oidc"
issuer = "${provider.issuer}"
client_id = "${provider.clientId}"
client_secret = "${provider.clientSecret}"

[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"

[downstream.files]
display_name = "Files"
strategy = "chained_oauth"
downstream_url = "${downstream.url}"
oauth_authorize_url = "${provider.issuer}/auth"
oauth_token_url = "${provider.issuer}/token"
oauth_client_id = "${provider.clientId}"
oauth_client_secret = "${provider.clientSecret}"
oauth_scopes = "openid"
oauth_pkce = true

[downstream.wiki]
display_name = "Wiki"
strategy = "login"
provider = "company"
downstream_url = "${downstream.url}"
allowed_email_domains = ["example.com"]
`;

const answers: Record<string, (page: Page) => Promise<void>> = {
  notes: async (page) => {
    await page.getByLabel("API key or token").fill("the-key");
    await page.getByRole("button", { name: "Authorize" }).click();
  },
  files: (page) => signInAtProvider(page),
  wiki: (page) => signInAtProvider(page),
};

/** Through the provider's own pages; the way back begins with its last button. */
async function signInAtProvider(page: Page, { confirm = true } = {}): Promise<void> {
  await page.getByRole("button", { name: /^(Authorize|Sign in with company)$/ }).click();
  await page.locator("input[name=login]").fill("ada");
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  const last = page.getByRole("button", { name: "Continue" });
  await (confirm ? last.click() : last.waitFor());
}

async function authorizeUrl(
  { origin, proxy, redirectUri }: Ground,
  name: string,
): Promise<{ url: string; id: string }> {
  const { clientId } = await createTestClient(proxy.url, name, { redirect_uris: [redirectUri] });
  const query = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s",
  });
  return { url: `${origin}/authorize/mcp/${name}?${query}`, id: clientId };
}

/** Two that differ in everything, so that each setting is seen; all eight with `npm run test:long`. */
const looks = [true, false].flatMap((javaScriptEnabled) =>
  (["light", "dark"] as const).flatMap((colorScheme) =>
    [1280, 360].map((width) => ({ javaScriptEnabled, colorScheme, viewport: { width, height: 800 } }))
  )
).filter((_, index) => process.env.MCP_OAUTH_PROXY_LONG === "1" || index === 0 || index === 7);

for (const kind of ["http", "tls"] as const) {
  for (const [name, answer] of Object.entries(answers)) {
    for (const look of looks) {
      const how = `${kind}, JavaScript ${
        look.javaScriptEnabled ? "on" : "off"
      }, ${look.viewport.width} pixels, ${look.colorScheme}`;
      test(`the whole login at ${name} ends at the client with a code that buys tokens: ${how}`, { skip }, async () => {
        const ground = grounds[kind];
        const context = await browser.newContext({ ...look, ignoreHTTPSErrors: true });
        const page = await context.newPage();
        const violations: string[] = [];
        page.on("console", (message) => void violations.push(message.text()));
        const { url, id } = await authorizeUrl(ground, name);
        await page.goto(url);
        await answer(page);
        await page.waitForURL(`${ground.redirectUri}?**`);
        const code = new URL(page.url()).searchParams.get("code")!;
        const { status } = await testClient(ground.proxy.url, name, id).redeem(code, {
          redirect_uri: ground.redirectUri,
          resource: `${ground.origin}/mcp/${name}`,
        });
        assert.equal(status, 200);
        assert.deepEqual(violations.filter((text) => /Content.Security.Policy/i.test(text)), []);
        await checkCookies(context, ground);
        await context.close();
      });
    }
  }
}

/** Ours are HttpOnly and Lax; over TLS they are `__Host-`, Secure and for this host alone; a trip that ended leaves none. */
async function checkCookies(context: BrowserContext, { origin }: Ground): Promise<void> {
  const secure = origin.startsWith("https:");
  const ours = (await context.cookies(origin)).filter(({ name }) => /mcp-/.test(name));
  assert.deepEqual(ours.map(({ name }) => name).filter((name) => !/^(__Host-)?mcp-(browser|consent)$/.test(name)), []);
  assert.ok(ours.length > 0);
  for (const cookie of ours) {
    assert.equal(cookie.name.startsWith("__Host-"), secure, cookie.name);
    assert.deepEqual([cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path], [secure, true, "Lax", "/"]);
    assert.equal(cookie.domain, new URL(origin).hostname, "no leading dot: no subdomain gets it");
  }
}

test("S1-16: over TLS another site can neither frame the page nor send its form", { skip }, async () => {
  const { url } = await authorizeUrl(grounds.tls, "notes");
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(url);
  const sealed = await page.locator("input[name=request]").getAttribute("value");
  await page.goto("https://claude.ai/");
  await page.setContent(`<iframe src="${url}"></iframe>`);
  const frame = page.frames()[1]!;
  await frame.waitForURL(/chrome-error/);
  assert.equal(await frame.locator("input[name=token]").count(), 0);
  await page.setContent(
    `<form method="post" action="${grounds.tls.origin}/authorize/mcp/notes"><input name="request" value="${sealed}">
    <input name="token" value="attackers-key"><button name="decision" value="allow">x</button></form>`,
  );
  await page.getByRole("button").click();
  await page.getByText("opened in another browser").waitFor();
  await context.close();
});

test("S1-22: a sign-in that was begun in one browser can't be finished in another", { skip }, async () => {
  const { url } = await authorizeUrl(grounds.tls, "wiki");
  const attacker = await browser.newContext({ ignoreHTTPSErrors: true });
  const victim = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await attacker.newPage();
  await page.goto(url);
  await signInAtProvider(page, { confirm: false });
  // The attacker stops before the way back, and hands it to the victim instead.
  const action = await page.locator("form").getAttribute("action");
  let back = new URL(action!, page.url()).href;
  const form = { prompt: "consent" };
  for (let step = 0; step < 3 && !back.startsWith(grounds.tls.origin); step++) {
    const options = { maxRedirects: 0, ...(step === 0 ? { method: "POST", form } : {}) };
    back = (await attacker.request.fetch(back, options)).headers().location!;
  }
  assert.match(back, /\/callback\/mcp\/wiki\?code=/);
  const other = await victim.newPage();
  await other.goto(back);
  await other.getByText("Session expired").waitFor();
  await page.goto(back);
  assert.ok(page.url().startsWith(`${webClient}?`), "where it was begun it goes on");
  await attacker.close();
  await victim.close();
});

test("signing in at /apps over TLS, without JavaScript: the session is a __Host- cookie, and signing out ends it", {
  skip,
}, async () => {
  const { origin } = grounds.tls;
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${origin}/apps`);
  await signInAtProvider(page);
  await page.getByText("Signed in at company as ada@example.com").waitFor();
  assert.equal(page.url(), `${origin}/apps`);
  const names = (await context.cookies(origin)).map(({ name }) => name).filter((name) => name.startsWith("__Host-"));
  assert.deepEqual(names.sort(), ["__Host-mcp-account", "__Host-mcp-browser"]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with company" }).waitFor();
  assert.ok(!(await context.cookies(origin)).some(({ name }) => name.includes("account")));
  await context.close();
});

// Every page as people see it: Chromium in both colour schemes, on a phone and on a desk. axe-core looks for what a keyboard or a
// screen reader would stumble over; the pictures go to test/screenshots/ for whoever wants to look.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { type CallbackServer, startCallbackServer } from "../support/callback_server.ts";
import { launchChromium, withoutChromiumOrOnce as skip } from "../support/chromium.ts";
import { createFakeOpenId, type FakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { challenge, createTestClient, redirectUri } from "../support/oauth_test_client.ts";
import { pagesConfiguration } from "../support/pages_configuration.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";
import { type RecordingDownstream, recordingDownstream } from "../support/recording_downstream.ts";

const screenshots = join(import.meta.dirname!, "../screenshots");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const maxPageBytes = 30_000;

let downstream: RecordingDownstream;
let proxy: ProxyProcess;
let documents: ReturnType<typeof createServer>;
let browser: Browser;
let documentUrl: string;
let callback: CallbackServer;
let openId: FakeOpenId;
let openIdServer: ReturnType<typeof listen>;

before(async () => {
  if (skip) return;
  mkdirSync(screenshots, { recursive: true });
  downstream = await recordingDownstream((headers) => headers.authorization === "Bearer wrong" ? 401 : 200);
  documents = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const client_id = `http://${request.headers.host}${request.url}`;
    response.end(JSON.stringify({ client_id, client_name: "Claude", redirect_uris: redirectsOf(request.url!) }));
  });
  await new Promise<void>((settle) => documents.listen(0, "127.0.0.1", settle));
  documentUrl = `http://127.0.0.1:${(documents.address() as AddressInfo).port}/client.json`;
  openId = await createFakeOpenId({ issuer: "http://127.0.0.1", now: () => Math.floor(Date.now() / 1000) });
  openId.user = { sub: "1", preferred_username: "ada", email: "ada.lovelace@example.com", email_verified: true };
  openIdServer = listen(openId);
  openId.moveTo(openIdServer.url);
  proxy = await startProxy({ toml: pagesConfiguration(downstream.url, openId) });
  callback = await startCallbackServer();
  browser = await launchChromium();
});
after(async () => {
  if (skip) return;
  await browser.close();
  documents.close();
  await callback[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await openIdServer[Symbol.asyncDispose]();
  await downstream[Symbol.asyncDispose]();
});

const claudeRedirect = "https://claude.ai/api/mcp/auth_callback";
/** The second document names a callback that the configuration does not allow. */
const redirectsOf = (path: string) => path === "/client.json" ? [claudeRedirect] : ["https://new.example/callback"];
const longName = "A very long name of a program that says more about itself than anybody ever wanted to read here";

/** Where /authorize is asked by a client, as a URL to open. */
async function authorizeUrl(name: string, client: { clientId?: string; clientName?: string; redirectUri?: string }) {
  const redirect_uri = client.redirectUri ?? redirectUri;
  const clientId = client.clientId ??
    (await createTestClient(proxy.url, name, { client_name: client.clientName, redirect_uris: [redirect_uri] }))
      .clientId;
  return `${proxy.url}/authorize/mcp/${name}?` + new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri,
    code_challenge: challenge,
    code_challenge_method: "S256",
    state: "s",
  });
}

const ours = (url: string) =>
  [proxy.url, callback.redirectUri, openIdServer.url].some((known) => url.startsWith(known));

/** A key pasted, so that the browser has something to show. */
async function connectNotes(page: Page) {
  await page.goto(await authorizeUrl("notes", { clientName: "Some client", redirectUri: callback.redirectUri }));
  await page.getByLabel("API key or token").fill("the-key");
  await page.getByRole("button", { name: "Authorize" }).click();
  await page.waitForURL(`${callback.redirectUri}?**`);
}

/** Signed in as somebody who let a client in. */
async function connectWiki(page: Page) {
  await page.goto(await authorizeUrl("wiki", { clientName: longName, redirectUri: callback.redirectUri }));
  await page.getByLabel("Search and read pages").check();
  await page.getByLabel("example-inc").check();
  await page.getByRole("button", { name: "Authorize" }).click();
  await page.waitForURL(`${callback.redirectUri}?**`);
}

interface Look {
  /** Of the pictures too. */
  name: string;
  open(page: Page): Promise<unknown>;
  /** In the words that people read. */
  shows: RegExp[];
}

const looks: Look[] = [
  {
    name: "key",
    open: async (page) => page.goto(await authorizeUrl("notes", { clientName: "MCP inspector" })),
    shows: [
      /Connect “MCP inspector” to Notes/,
      /Nobody has checked it/,
      /any program here may call itself/,
      /stays sealed/,
      /Personal keys/,
    ],
  },
  {
    name: "key-refused",
    async open(page) {
      await page.goto(await authorizeUrl("notes", { clientName: longName }));
      await page.getByLabel("API key or token").fill("wrong");
      await page.getByRole("button", { name: "Authorize" }).click();
      await page.getByRole("alert").waitFor();
    },
    shows: [/does not accept this key/],
  },
  {
    name: "verified-client",
    open: async (page) =>
      page.goto(await authorizeUrl("files", { clientId: documentUrl, redirectUri: claudeRedirect })),
    shows: [
      /Verified: published by\s+127\.0\.0\.1/,
      /claude\.ai/,
      /sign in at login\.files\.example/,
      /files:read/,
    ],
  },
  {
    name: "known-client",
    open: async (page) =>
      page.goto(await authorizeUrl("files", { clientId: "agent", redirectUri: "https://agent.example.com/callback" })),
    shows: [/the person who runs it added it/, /agent\.example\.com/],
  },
  {
    name: "scopes-and-providers",
    open: async (page) => page.goto(await authorizeUrl("wiki", { clientName: "VS Code" })),
    shows: [/Search and read pages/, /includes wiki:read/, /example-inc/, /GitHub/],
  },
  {
    name: "error",
    open: (page) =>
      page.goto(
        `${proxy.url}/authorize/mcp/notes?client_id=${
          encodeURIComponent(documentUrl)
        }&redirect_uri=https://evil.example/`,
      ),
    shows: [/can't go on/, /Request/],
  },
  {
    name: "error-for-operator",
    open: async (page) =>
      page.goto(
        await authorizeUrl("notes", {
          clientId: documentUrl.replace("client", "other"),
          redirectUri: "https://new.example/callback",
        }),
      ),
    shows: [/For the person who runs this server/, /redirects = /],
  },
  {
    name: "apps",
    async open(page) {
      await connectNotes(page);
      await page.goto(`${proxy.url}/apps`);
    },
    shows: [/Sign in with example-inc/, /Some client uses Notes/, /Not used yet/, /End this access/],
  },
  {
    name: "apps-signed-in",
    async open(page) {
      await connectNotes(page);
      await connectWiki(page);
      await page.goto(`${proxy.url}/apps`);
      await page.getByRole("button", { name: "Sign in with example-inc" }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    },
    shows: [/as ada\.lovelace@example\.com/, /more about itself .* uses Wiki/, /Sign out/, /Some client uses Notes/],
  },
  {
    name: "apps-problem",
    async open(page) {
      await page.goto(`${proxy.url}/apps`);
      await page.context().clearCookies();
      await page.getByRole("button", { name: "Sign in with example-inc" }).click();
      await page.getByText("Nothing was changed").waitFor();
    },
    shows: [/another browser, or cookies are blocked here\. Nothing was changed/],
  },
  { name: "home", open: (page) => page.goto(proxy.url), shows: [/Notes/, /Files/, /Wiki/, /Does not answer/] },
  {
    name: "home-steps",
    async open(page) {
      await page.goto(proxy.url);
      await page.getByRole("link", { name: "How to add Notes to your client" }).click();
      await page.getByText("Claude Code", { exact: true }).click();
    },
    shows: [/claude mcp add --transport http notes/],
  },
];

for (const look of looks) {
  test(`the page "${look.name}" is whole, light and dark, 360 and 1280 pixels wide`, { skip }, async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const foreign: string[] = [];
    page.on("request", (request) => ours(request.url()) || foreign.push(request.url()));
    await look.open(page);
    const text = await page.locator("body").innerText();
    for (const words of look.shows) assert.match(text, words);
    for (const colorScheme of ["light", "dark"] as const) {
      for (const width of [360, 1280]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 800 });
        const path = join(screenshots, `${look.name}-${colorScheme}-${width}.png`);
        await page.screenshot({ path, fullPage: true });
        assert.deepEqual(await accessibilityProblems(page), [], `${colorScheme}, ${width} pixels wide`);
        const fits = await page.evaluate("document.documentElement.scrollWidth <= innerWidth");
        assert.ok(fits, `something sticks out at ${width} pixels`);
      }
    }
    assert.ok((await page.content()).length < maxPageBytes, "30 KB at most");
    assert.deepEqual(foreign, [], "nothing is loaded from anywhere");
    await context.close();
  });
}

/** `rule: where` for each finding of axe-core. */
async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return await page.evaluate(`axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target + " " + failureSummary)))`);
}

test("allow and refuse look the same: size, colour and type", { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(await authorizeUrl("files", { clientName: "Some client" }));
  const looksOf = (name: string) =>
    page.getByRole("button", { name }).evaluate(`(button) => {
      const { color, backgroundColor, borderColor, borderWidth, fontWeight, fontSize } = getComputedStyle(button);
      const { width, height } = button.getBoundingClientRect();
      return { color, backgroundColor, borderColor, borderWidth, fontWeight, fontSize, width, height };
    }`);
  assert.deepEqual(await looksOf("Authorize"), await looksOf("Refuse"));
  await context.close();
});

test("home copies the URL with one click, and shows it without JavaScript", { skip }, async () => {
  const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  await page.goto(proxy.url);
  await page.getByRole("button", { name: "Copy the URL of Notes" }).click();
  await page.getByRole("status").getByText("Copied").waitFor();
  assert.equal(await page.evaluate("navigator.clipboard.readText()"), `${proxy.url}/mcp/notes`);
  await context.close();
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const still = await plain.newPage();
  await still.goto(proxy.url);
  assert.equal(await still.getByRole("button").count(), 0);
  await still.getByText(`${proxy.url}/mcp/notes`).waitFor();
  await plain.close();
});

test("a keyboard alone gets from the top of the key page to an answer", { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(await authorizeUrl("notes", { clientName: "Some client" }));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.id"), "token");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.value"), "allow");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate("document.activeElement.value"), "deny");
  await context.close();
});

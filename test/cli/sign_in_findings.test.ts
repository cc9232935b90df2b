// check, about the providers of `[provider.*]`.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../lib/config/load.ts";
import { signInFindings } from "../../lib/cli/sign_in_findings.ts";
import { serverTable, wikiTable } from "../support/config_text.ts";
import { createFakeGithub } from "../support/fake_github.ts";
import { createFakeOpenId } from "../support/fake_openid.ts";
import { listen } from "../support/fake_server.ts";
import { runProgram } from "../support/program.ts";

const now = () => Math.floor(Date.now() / 1000);

async function openIdAt(change: (fake: Awaited<ReturnType<typeof createFakeOpenId>>) => void = () => {}) {
  const fake = await createFakeOpenId({ issuer: "http://127.0.0.1", now });
  const server = listen(fake);
  fake.moveTo(server.url);
  change(fake);
  const text = `${serverTable}${wikiTable}
[provider.google]
kind = "oidc"
issuer = "${server.url}"
client_id = "${fake.clientId}"
client_secret = "${fake.clientSecret}"
`;
  return { fake, server, text };
}

async function findingsOf(text: string): Promise<string[]> {
  const config = parseConfig(text);
  const [provider] = config.providers.values();
  const findings = await signInFindings(provider!, config, { fetch: globalThis.fetch });
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

test("check: a provider that is there and knows us, behind a reverse proxy; the URL for forward-auth is shown", async () => {
  const { server, text } = await openIdAt();
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  try {
    const path = join(folder, "config.toml");
    writeFileSync(path, text);
    const { code, output } = await runProgram(["check", "-c", path]);
    assert.equal(code, 0, output);
    assert.match(output, /has to ask https:\/\/mcp\.example\.com\/authenticate\/mcp\/wiki/);
    assert.match(
      output,
      /provider google\n {2}✓ discovery: found http:\/\/127.*\n {2}✓ client credentials: .*knows client_id/,
    );
    assert.match(
      output,
      /redirect URIs to allow there: https:\/\/mcp\.example\.com\/callback\/mcp\/wiki https:\/\/mcp\.example\.com\/callback\/apps\/google\n/,
    );
    assert.ok(!output.includes("s3cret"));
  } finally {
    rmSync(folder, { recursive: true });
    await server[Symbol.asyncDispose]();
  }
});

test("check: a client secret that the provider does not take", async () => {
  const { server, text } = await openIdAt();
  const [, credentials] = await findingsOf(text.replace("s3cret", "wrong"));
  await server[Symbol.asyncDispose]();
  assert.match(
    credentials!,
    /^problem: client credentials: .*does not accept client_id and client_secret.*copy them again/,
  );
});

test("check: an issuer that names itself otherwise, or has no configuration, or is not there", async () => {
  for (
    const [document, expected] of [
      [{ issuer: "https://other.example" }, /^problem: discovery: .*calls itself "https:\/\/other\.example"/],
      [{ issuer: undefined }, /^problem: discovery: .*no usable issuer/],
    ] as const
  ) {
    const { server, text } = await openIdAt((fake) => fake.document = document);
    assert.match((await findingsOf(text))[0]!, expected);
    await server[Symbol.asyncDispose]();
  }
  const { server, text } = await openIdAt();
  await server[Symbol.asyncDispose]();
  assert.match((await findingsOf(text))[0]!, /^problem: discovery: .*gave no complete answer.*reaches it/);
});

test("check: a GitHub App that is not installed in the organization", async () => {
  const fake = createFakeGithub({ now });
  const server = listen(fake);
  const text = `${serverTable}${wikiTable.replace('provider = "google"\n', "")}
[provider.github]
client_id = "${fake.clientId}"
client_secret = "${fake.clientSecret}"
api_url = "${server.url}/api/v3"
organization = "acme"
app_private_key_file = "key.pem"
`;
  const config = parseConfig(text, {}, () => fake.appKey);
  const provider = config.providers.get("github")!;
  const ask = async () =>
    (await signInFindings(provider, config, { fetch: globalThis.fetch })).map(({ level }) => level);
  assert.deepEqual(await ask(), ["ok", "ok", "ok"]);
  fake.installed = false;
  assert.deepEqual(await ask(), ["ok", "problem", "ok"]);
  await server[Symbol.asyncDispose]();
});

test("check: of several providers each has a redirect URI of its own (RFC 9700 §4.4)", async () => {
  const { server, text } = await openIdAt();
  const several = text.replace('provider = "google"', 'provider = ["google", "other"]') +
    text.slice(text.indexOf("[provider.google]")).replace("[provider.google]", "[provider.other]");
  const found = (await findingsOf(several)).at(-1)!;
  await server[Symbol.asyncDispose]();
  const at = "https://mcp.example.com/callback";
  assert.equal(found, `ok: redirect URIs to allow there: ${at}/mcp/wiki/google ${at}/apps/google`);
});

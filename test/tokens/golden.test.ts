// What earlier releases handed out still works: one file in golden/ for each release that changed the format of what is sealed. They are
// never edited. For a new one: UPDATE_GOLDEN=0.2.0 npm test -- --only bun test/tokens/golden.test.ts
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { secret } from "../../lib/config/secrets.ts";
import { createSealer, type SealPurpose } from "../../lib/tokens/seal.ts";
import { type FakeMcpServer, startFakeMcpServer } from "../support/fake_mcp_server.ts";
import { createTestClient, testClient } from "../support/oauth_test_client.ts";
import { type ProxyProcess, startProxy } from "../support/proxy_process.ts";

interface Golden {
  release: string;
  state_secret: string;
  public_url: string;
  /** What was pasted, and is inside the tokens. */
  credential: string;
  client_id: string;
  access_token: string;
  refresh_token: string;
}

const folder = join(import.meta.dirname!, "golden");
const publicUrl = "https://mcp.example.com";
const stateSecret = Buffer.from("golden state secret of the tests").toString("base64");
const in2100 = 4_102_444_800;

let downstream: FakeMcpServer;
before(async () => void (downstream = await startFakeMcpServer()));
after(() => downstream.close());

const start = (options: { stateSecret: string; publicUrl?: string }): Promise<ProxyProcess> =>
  startProxy({
    ...options,
    toml: `[downstream.notes]
display_name = "Notes"
strategy = "passthrough"
downstream_url = "${downstream.url}"
`,
  });

/** What a sign-in at this version hands out, with an end in 2100 and under a public URL that stays the same. */
async function makeGolden(release: string): Promise<Golden> {
  await using proxy = await start({ stateSecret });
  const client = await createTestClient(proxy.url, "notes");
  const tokens = await client.signIn("golden-key");
  const sealer = createSealer([secret(stateSecret)], () => 0);
  const keep = (purpose: SealPurpose, text: string) => {
    const opened = sealer.open(purpose, text);
    assert.ok(typeof opened === "object");
    const value = JSON.parse(JSON.stringify(opened.value).replaceAll(proxy.url, publicUrl));
    return sealer.seal(purpose, value, in2100);
  };
  return {
    release,
    state_secret: stateSecret,
    public_url: publicUrl,
    credential: "golden-key",
    client_id: client.clientId,
    access_token: keep("access token", tokens.access_token!),
    refresh_token: keep("refresh token", tokens.refresh_token!),
  };
}

if (process.env.UPDATE_GOLDEN) {
  const release = process.env.UPDATE_GOLDEN;
  test(`write golden/${release}.json`, async () => {
    writeFileSync(join(folder, `${release}.json`), `${JSON.stringify(await makeGolden(release), null, 2)}\n`);
  });
}

for (const file of readdirSync(folder)) {
  const golden = JSON.parse(readFileSync(join(folder, file), "utf8")) as Golden;
  test(`what release ${golden.release} handed out works: registration, access token, refresh token`, async () => {
    await using proxy = await start({ stateSecret: golden.state_secret, publicUrl: golden.public_url });
    const client = testClient(proxy.url, "notes", golden.client_id);

    const received = downstream.nextRequest();
    const answer = await client.mcp(golden.access_token, { method: "POST", body: "{}" });
    assert.equal(answer.status, 200);
    assert.equal((await received).headers.authorization, `Bearer ${golden.credential}`);

    const renewed = await client.refresh(golden.refresh_token);
    assert.equal(renewed.status, 200, JSON.stringify(renewed.body));
    assert.equal((await client.mcp(renewed.body.access_token!, { method: "POST", body: "{}" })).status, 200);
    assert.equal((await client.refresh(renewed.body.refresh_token!)).status, 200);

    const page = await client.authorize({ resource: `${golden.public_url}/mcp/notes` });
    assert.equal(page.status, 200);
    assert.match(page.html, /Test client/);
  });
}

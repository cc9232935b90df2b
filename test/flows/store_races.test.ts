// What fires at the same moment: one code, one state, one refresh token, a revocation and a refresh, at one process and at two
// that share a store.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { redirectUri, type TestClient, type TokenAnswer } from "../support/oauth_test_client.ts";
import { needs } from "../support/programs.ts";
import { type RaceStage, stageRace, type StoreKind } from "../support/race_stage.ts";

const at = 64;
const call = { method: "POST", headers: { "content-type": "application/json" }, body: '{"jsonrpc":"2.0","id":1}' };

/** 64 attempts at the same moment, spread over the clients. */
const many = <T>(clients: TestClient[], attempt: (client: TestClient) => Promise<T>) =>
  Promise.all(Array.from({ length: at }, (_, i) => attempt(clients[i % clients.length]!)));

/** At the process that knows; another one learns of it within five seconds. */
const isDead = async (client: TestClient, tokens: TokenAnswer["body"]) => {
  assert.equal((await client.mcp(tokens.access_token!, call)).status, 401);
  assert.equal((await client.refresh(tokens.refresh_token!)).body.error, "invalid_grant");
};

/** test/store has the races of two processes on every runtime; whole proxies on shared stores are raced once. */
const isBun = "Bun" in globalThis && process.env.MCP_OAUTH_PROXY_BIN === undefined;
const skips: Record<StoreKind, string | false | undefined> = {
  memory: false,
  sqlite: !isBun && "as on Bun",
  redis: isBun ? needs("redis-server") : "as on Bun",
};

for (const kind of ["memory", "sqlite", "redis"] as const) {
  const skip = skips[kind];
  const where = kind === "memory" ? "one process" : `two processes with one ${kind}`;

  describe(`races at ${where}`, () => {
    let on: RaceStage;
    let notes: TestClient[];
    before(async () => {
      if (skip) return;
      on = await stageRace(kind);
      notes = await on.clients("notes");
    });
    after(() => on?.[Symbol.asyncDispose]());

    test(
      `S1-30, S2-41: of ${at} redemptions of one code at once one at most gets tokens, and they are dead (${where})`,
      {
        skip,
      },
      async () => {
        const code = await notes[0]!.code("the-key");
        const answers = await many(notes, (client) => client.redeem(code, { resource: undefined }));
        const good = answers.filter(({ status }) => status === 200);
        assert.equal(good.length, 1);
        assert.ok(answers.every(({ status, body }) => status === 200 || body.error === "invalid_grant"));
        await Promise.all(notes.map((client) => isDead(client, good[0]!.body)));
      },
    );

    test(
      `S1-22, S2-38: of ${at} callbacks with one state at once one gets a code, and the provider is asked once (${where})`,
      {
        skip,
      },
      async () => {
        const hub = await on.clients("hub");
        const browser = hub[0]!.browser;
        const page = await hub[0]!.authorize();
        const begun = await browser.submit(page, { decision: "allow" });
        const callback = new URL((await browser.get(begun.location!)).location!);
        const asked = on.provider.tokenRequests.length;
        const answers = await Promise.all(
          Array.from({ length: at }, (_, i) => {
            const { url } = on.proxies[i % on.proxies.length]!;
            return browser.get(`${url}${callback.pathname}${callback.search}`);
          }),
        );
        const good = answers.filter(({ location }) => location?.startsWith(`${redirectUri}?code=`));
        assert.equal(good.length, 1);
        assert.ok(answers.every(({ status }) => status === 303 || status === 400));
        assert.equal(on.provider.tokenRequests.length - asked, 1);
      },
    );

    test(`S1-40: ${at} refreshes of one token at once all get the same pair, and the grant lives on (${where})`, {
      skip,
    }, async () => {
      const first = await notes[0]!.signIn();
      const answers = await many(notes, (client) => client.refresh(first.refresh_token!));
      assert.ok(answers.every(({ status }) => status === 200));
      assert.equal(new Set(answers.map(({ body }) => body.refresh_token)).size, 1);
      assert.equal((await notes[0]!.refresh(answers[0]!.body.refresh_token!)).status, 200);
    });

    test(`RFC 7009 §2.1: whatever a refresh that runs against the revocation gets, it is dead (${where})`, {
      skip,
    }, async () => {
      for (let round = 0; round < 4; round++) {
        const first = await notes[0]!.signIn();
        const [revoked, ...answers] = await Promise.all([
          notes[0]!.revoke(first.refresh_token!),
          ...Array.from({ length: 8 }, (_, i) => notes[i % notes.length]!.refresh(first.refresh_token!)),
        ]);
        assert.equal(revoked.status, 200);
        for (const { status, body } of answers) if (status === 200) await isDead(notes[0]!, body);
        await isDead(notes[0]!, first);
      }
    });
  });
}

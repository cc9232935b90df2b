// The memory of opened tokens: what it may save, and what it must never decide.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createRevocations } from "../../lib/store/revocations.ts";
import { createAccessTokens } from "../../lib/tokens/access_token.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { createDerivedKeys } from "../../lib/tokens/signing_keys.ts";
import { resourceUrls } from "../../lib/urls.ts";
import { now as start, publicUrl, serverDefaults, testResource } from "../support/mcp_proxy.ts";
import { recordedLog } from "../support/recorded_log.ts";

function setUp() {
  const clock = { now: start };
  const now = () => clock.now;
  const secrets = [serverDefaults.stateSecret];
  const sealer = createSealer(secrets, now);
  /** How often a text was opened. */
  const opened = new Map<string, number>();
  const revocations = createRevocations({ store: createMemoryStore({ now }), now, log: recordedLog().log });
  const tokens = createAccessTokens({
    sealer: {
      ...sealer,
      open(purpose, text) {
        opened.set(text, (opened.get(text) ?? 0) + 1);
        return sealer.open(purpose, text);
      },
    },
    keys: createDerivedKeys({ secrets, rotationSeconds: 86_400, tokenTtlSeconds: 3_600, now }),
    revocations,
    now,
  });
  const resource = testResource({});
  const issue = (id: string) =>
    tokens.issue(
      {
        id,
        clientId: "client-1",
        resource: resource.urls.resource,
        scope: [],
        grantedAt: start,
        credential: { value: id },
      },
      resource,
      { scope: [], expiresAt: start + 3_600 },
    );
  return { clock, opened, revocations, tokens, resource, issue };
}

const refused = { code: "invalid_token" };

test("S1-44: garbage is never remembered: after 11,000 garbage tokens the user's is still known", async () => {
  const { tokens, resource, opened, issue } = setUp();
  const token = await issue("user");
  await tokens.verify(token, resource);
  for (let i = 0; i < 11_000; i++) {
    await assert.rejects(
      async () => await tokens.verify(`${token.slice(0, -20)}${randomBytes(15).toString("base64url")}`, resource),
      refused,
    );
  }
  await tokens.verify(token, resource);
  assert.equal(opened.get(token), 1);
});

test("tokens of a stranger's own may push the user's out of memory; then it is opened again, and says the same", async () => {
  const { tokens, resource, opened, issue } = setUp();
  const token = await issue("user");
  const access = await tokens.verify(token, resource);
  for (let i = 0; i < 11_000; i++) await tokens.verify(await issue(`stranger-${i}`), resource);
  assert.deepEqual(await tokens.verify(token, resource), access);
  assert.equal(opened.get(token), 2);
});

test("S1-44: a remembered token is refused at another server, once revoked, and when it has expired", async () => {
  const { clock, tokens, resource, revocations, issue } = setUp();
  const [token, other] = [await issue("user"), await issue("other")];
  assert.equal(tokens.verifyKnown(token, resource), undefined, "not seen yet");
  const { grantId } = await tokens.verify(token, resource);
  assert.equal(tokens.verifyKnown(token, resource)?.grantId, grantId);
  await tokens.verify(other, resource);
  const elsewhere = testResource({
    name: "elsewhere",
    urls: resourceUrls({ by: "path", publicUrl, name: "elsewhere" }),
  });
  await assert.rejects(async () => await tokens.verify(token, elsewhere), refused);
  assert.throws(() => tokens.verifyKnown(token, elsewhere), refused);
  await revocations.revoke(grantId, start + 3_600);
  await assert.rejects(async () => await tokens.verify(token, resource), refused);
  assert.equal(tokens.verifyKnown(token, resource), undefined, "verify has to say that it was revoked");
  await tokens.verify(other, resource);
  clock.now += 3_600;
  await assert.rejects(async () => await tokens.verify(other, resource), refused);
  assert.throws(() => tokens.verifyKnown(other, resource), refused);
});

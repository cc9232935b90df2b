// The login strategy around a provider that a test writes down: choice, subjects, failures, and asking again.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoginConfig } from "../../lib/config/config.ts";
import type { AuthorizationRequest } from "../../lib/oauth/authorization_request.ts";
import { OAuthError } from "../../lib/oauth/errors.ts";
import type { Grant, Identity } from "../../lib/oauth/grant.ts";
import type { Provider, SignedIn } from "../../lib/providers/provider.ts";
import { ProviderError } from "../../lib/providers/provider_error.ts";
import { createMemoryStore } from "../../lib/store/memory_store.ts";
import { createKeptRenewals } from "../../lib/strategies/kept_renewals.ts";
import { login } from "../../lib/strategies/login.ts";
import type { Strategy } from "../../lib/strategies/strategy.ts";
import { createSealer } from "../../lib/tokens/seal.ts";
import { serverDefaults, testResource } from "../support/mcp_proxy.ts";
import { recordedLog } from "../support/recorded_log.ts";

const now = 1_900_000_000;
const request: AuthorizationRequest = {
  clientId: "client",
  redirectUri: "https://client.example.com/cb",
  resource: "https://proxy.example.com/mcp/fake",
  scope: [],
  codeChallenge: "x".repeat(43),
};

interface Script {
  /** What the provider says, now and when asked again. */
  says: () => SignedIn | Promise<SignedIn>;
  /** Renewals that it was asked with. */
  asked: string[];
  /** Told as rotated before it answers. */
  rotates?: string;
}

function scripted(name: string, identity: Identity): Provider & Script {
  const provider: Provider & Script = {
    name,
    displayName: name.toUpperCase(),
    asked: [],
    says: () => ({ identity, renewal: "renewal-1" }),
    begin: ({ state }) => Promise.resolve({ url: `https://${name}.example/?state=${state}`, memo: { of: name } }),
    async finish(memo) {
      assert.deepEqual(memo, { of: name });
      return await provider.says();
    },
    async renew(renewal, { rotated }) {
      provider.asked.push(renewal);
      if (provider.rotates !== undefined) await rotated(provider.rotates);
      return await provider.says();
    },
    check: () => Promise.resolve([]),
  };
  return provider;
}

function setUp(providers: Provider[], changes: Partial<LoginConfig> = {}) {
  const config: LoginConfig = {
    kind: "login",
    providers: providers.map(({ name }) => name),
    allowEveryone: true,
    allowedUsers: [],
    allowedEmailDomains: [],
    allowedGroups: [],
    subject: "id",
    identityHeaders: false,
    ...changes,
  };
  const { log, events } = recordedLog();
  const store = createMemoryStore({ now: () => now });
  const sealer = createSealer([serverDefaults.stateSecret], () => now);
  const renewals = createKeptRenewals({ store, sealer, log, lifetimeSeconds: 1000 });
  const known = new Map(providers.map((provider) => [provider.name, provider]));
  return { events, strategy: login(testResource({ strategy: config }), config, { providers: known, renewals, log }) };
}

async function signIn(strategy: Strategy, form: Record<string, string> = {}): Promise<Grant> {
  const begun = await strategy.begin(request, form, { state: "s", now });
  assert.equal(begun.kind, "redirect");
  const { memo } = begun as { memo: unknown };
  const approval = await strategy.finish(request, JSON.parse(JSON.stringify(memo)), { code: "c" }, now);
  return { id: "grant-1", clientId: "client", resource: request.resource, scope: [], grantedAt: now, ...approval };
}

async function refusal(work: Promise<unknown>): Promise<OAuthError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const ada: Identity = { subject: "1", name: "ada", email: "ada@example.com", groups: ["eng"] };

test("one provider: the browser goes there at once; several: the page asks which", async () => {
  const one = setUp([scripted("google", ada)]).strategy;
  assert.equal(one.providerChoices, undefined);
  const several = setUp([scripted("google", ada), scripted("github", ada)]).strategy;
  assert.deepEqual(several.providerChoices, [{ value: "google", label: "GOOGLE" }, {
    value: "github",
    label: "GITHUB",
  }]);
  for (const provider of [undefined, "gitlab", "__proto__"]) {
    const begun = await several.begin(request, provider === undefined ? {} : { provider }, { state: "s", now });
    assert.equal(begun.kind, "again", String(provider));
  }
  const begun = await several.begin(request, { provider: "github" }, { state: "s", now });
  assert.match((begun as { url: string }).url, /^https:\/\/github\.example\/\?state=s$/);
});

test("S2-36: the memo says which provider is asked: another one never sees the code", async () => {
  const [google, github] = [scripted("google", ada), scripted("github", { subject: "1" })];
  const { strategy } = setUp([google, github]);
  const begun = await strategy.begin(request, { provider: "github" }, { state: "s", now });
  google.finish = () => assert.fail("google was asked");
  const { identity } = await strategy.finish(request, (begun as { memo: unknown }).memo, { code: "c" }, now);
  assert.equal(identity!.subject, "github|1");
});

test("S2-60: the subject is the id, or the user name where configured; of several providers it names the provider", async () => {
  assert.equal((await signIn(setUp([scripted("google", ada)]).strategy)).identity!.subject, "1");
  const named = setUp([scripted("google", ada)], { subject: "username" }).strategy;
  assert.equal((await signIn(named)).identity!.subject, "ada");
  const several = setUp([scripted("google", ada), scripted("github", ada)], { subject: "username" }).strategy;
  assert.equal((await signIn(several, { provider: "github" })).identity!.subject, "github|ada");
  assert.equal((await signIn(several, { provider: "github" })).renewal!.subject, "1", "the id stays known");
});

test("S2-60: an empty user name is refused where it would be the subject", async () => {
  for (const name of [undefined, "", "  "]) {
    const { strategy } = setUp([scripted("github", { subject: "1", name })], { subject: "username" });
    assert.equal((await refusal(signIn(strategy))).code, "access_denied");
  }
});

test("S2-36: whoever is on no list gets access_denied, and only the log says why", async () => {
  const { strategy } = setUp([scripted("google", ada)], { allowEveryone: false, allowedGroups: ["ops"] });
  const error = await refusal(signIn(strategy));
  assert.equal(error.code, "access_denied");
  assert.doesNotMatch(error.message, /ops|group|ada|example/);
  assert.match(String(error.cause), /allowed_groups/);
});

test("S2-36: a provider's failure at sign-in is access_denied, server_error or temporarily_unavailable, in our words", async () => {
  for (
    const [kind, code] of [
      ["refused", "access_denied"],
      ["broken", "server_error"],
      ["unavailable", "temporarily_unavailable"],
    ] as const
  ) {
    const provider = scripted("google", ada);
    provider.says = () => Promise.reject(new ProviderError(kind, "inner words"));
    const error = await refusal(signIn(setUp([provider]).strategy));
    assert.equal(error.code, code);
    assert.doesNotMatch(error.message, /inner words/);
    assert.match(String(error.cause), /inner words/);
  }
});

test("S2-44: a refresh asks again, and the grant has today's facts", async () => {
  const provider = scripted("google", ada);
  const { strategy } = setUp([provider], { allowEveryone: false, allowedGroups: ["eng", "ops"] });
  const grant = await signIn(strategy);
  provider.says = () => ({ identity: { ...ada, groups: ["ops"] }, renewal: "renewal-2" });
  const renewed = await strategy.renew(grant, now);
  assert.deepEqual(provider.asked, ["renewal-1"]);
  assert.deepEqual(renewed.identity!.groups, ["ops"]);
  assert.equal(renewed.renewal!.value, "renewal-2");
  assert.equal(renewed.id, grant.id);
});

test("S2-44: whoever left the group, the provider or the list is refused at the next refresh", async () => {
  const provider = scripted("google", ada);
  const { strategy } = setUp([provider], { allowEveryone: false, allowedGroups: ["eng"] });
  const grant = await signIn(strategy);
  const answers: (() => SignedIn | Promise<SignedIn>)[] = [
    () => ({ identity: { ...ada, groups: [] }, renewal: "renewal-2" }),
    () => ({ identity: { ...ada, subject: "2" }, renewal: "renewal-2" }),
    () => Promise.reject(new ProviderError("refused", "suspended")),
  ];
  for (const says of answers) {
    provider.says = says;
    assert.equal((await refusal(strategy.renew(grant, now))).code, "invalid_grant");
  }
});

test("S2-44: a provider that is down or set up wrongly is a 503 with Retry-After, never a logout", async () => {
  for (const kind of ["unavailable", "broken"] as const) {
    const provider = scripted("google", ada);
    const { strategy } = setUp([provider]);
    const grant = await signIn(strategy);
    provider.says = () => Promise.reject(new ProviderError(kind, "inner words", { retryAfterSeconds: 17 }));
    const error = await refusal(strategy.renew(grant, now));
    assert.deepEqual([error.code, error.status, error.retryAfterSeconds], ["temporarily_unavailable", 503, 17]);
  }
});

test("S2-44: when the provider spent its refresh token and then could not say the rest, the next try has the new one", async () => {
  const provider = scripted("google", ada);
  const { strategy } = setUp([provider]);
  const grant = await signIn(strategy);
  for (const next of ["renewal-2", "renewal-3"]) {
    provider.rotates = next;
    provider.says = () => Promise.reject(new ProviderError("unavailable", "down"));
    await refusal(strategy.renew(grant, now));
  }
  provider.rotates = "renewal-4";
  provider.says = () => ({ identity: ada, renewal: "renewal-4" });
  const renewed = await strategy.renew(grant, now);
  assert.deepEqual(provider.asked, ["renewal-1", "renewal-2", "renewal-3"]);
  provider.rotates = "renewal-5";
  await strategy.renew(renewed, now);
  assert.equal(provider.asked.at(-1), "renewal-4");
  await strategy.renew({ ...grant, id: "another grant" }, now);
  assert.equal(provider.asked.at(-1), "renewal-1", "grants don't share");
});

test("RFC 7009: an access that ends is ended at the provider where that is wanted, with the newest that it gave", async () => {
  const provider = scripted("google", ada);
  const revoked: string[] = [];
  provider.revoke = (renewal) => Promise.resolve(void revoked.push(renewal));
  const { strategy } = setUp([provider]);
  const grant = await signIn(strategy);
  await strategy.keep!(grant, now);
  await strategy.revoke!({ id: grant.id, grantedAt: now }); // from the page that ends accesses
  await strategy.revoke!({ id: grant.id, grantedAt: now }); // again: nobody knows it any more
  provider.rotates = "renewal-2";
  provider.says = () => ({ identity: ada, renewal: "renewal-2" });
  const renewed = await strategy.renew(grant, now);
  for (const ended of [grant, renewed]) await strategy.revoke!(ended);
  assert.deepEqual(revoked, ["renewal-1", "renewal-2", "renewal-2"]);
});

test("RFC 7009: a provider that can't be told is only logged; one that is not to be told is not, and what was kept is forgotten", async () => {
  const provider = scripted("google", ada);
  const { strategy, events } = setUp([provider]);
  const grant = await signIn(strategy);
  await strategy.keep!(grant, now);
  provider.rotates = "renewal-2";
  await strategy.renew(grant, now);
  await strategy.revoke!(grant);
  delete provider.rotates;
  await strategy.renew(grant, now);
  assert.deepEqual(provider.asked, ["renewal-1", "renewal-1"]);
  assert.deepEqual(events, []);
  provider.revoke = () => Promise.reject(new Error("id.example.com answered 503"));
  await strategy.revoke!(grant);
  assert.deepEqual(events.map(({ event }) => event), ["provider_revocation_failed"]);
});

test("S2-44: a provider that gave nothing to ask again with, or that is configured no more, ends access", async () => {
  const provider = scripted("google", ada);
  provider.says = () => ({ identity: ada });
  const { strategy } = setUp([provider]);
  assert.equal((await refusal(strategy.renew(await signIn(strategy), now))).code, "invalid_grant");
  const grant = await signIn(setUp([scripted("google", ada)]).strategy);
  const other = setUp([scripted("github", ada)]).strategy;
  assert.equal((await refusal(other.renew(grant, now))).code, "invalid_grant");
});

test("S2-61: groups that would not fit into a URL and a header are narrowed to those the configuration names, loudly", async () => {
  const groups = Array.from(
    { length: 500 },
    (_, index) => `11111111-2222-3333-4444-${String(index).padStart(12, "0")}`,
  );
  const { strategy, events } = setUp([scripted("entra", { ...ada, groups })], {
    allowEveryone: false,
    allowedGroups: [groups[499]!, "elsewhere"],
  });
  assert.deepEqual((await signIn(strategy)).identity!.groups, [groups[499]]);
  assert.deepEqual(events.map(({ event, fields }) => [event, fields.left]), [["groups_left_out", 499]]);
});

// Microsoft Entra ID: tenants, the claims that nothing is decided by, and groups that did not fit into the token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { entra } from "../../lib/providers/entra.ts";
import { createFakeEntra, tenantId } from "../support/fake_entra.ts";
import { fetchFrom } from "../support/fake_server.ts";
import { providerConfig } from "../support/provider_config.ts";
import { clock, failureOf, renew, signIn, visit } from "../support/provider_trip.ts";

const authority = "https://login.example.com";
const oid = "99999999-8888-7777-6666-555555555555";
const ada = { sub: "pairwise", oid, tid: tenantId, preferred_username: "ada@contoso.com" };

async function setUp({ tenant = tenantId, groups = false } = {}) {
  const fake = await createFakeEntra({ authority, tenant, now: () => clock });
  fake.user = { ...ada };
  const config = providerConfig("entra", fake, { issuer: authority, apiUrl: `${authority}/v1.0`, tenant });
  return { fake, provider: entra(config, { fetch: fetchFrom(fake), wanted: { email: true, groups } }) };
}

test("S2-60, S2-62: the subject is tenant and object id; the name is shown, and an address of nobody's proof is left out", async () => {
  const { fake, provider } = await setUp();
  fake.user = { ...ada, email: "chief@example.com", email_verified: true };
  const { identity } = await signIn(provider, fake);
  assert.deepEqual(identity, { subject: `${tenantId}.${oid}`, name: "ada@contoso.com" });
});

test("S2-62: an address counts where Entra says that its domain's owner stands behind it (xms_edov)", async () => {
  for (
    const [xms_edov, counts] of [[true, true], [1, true], ["1", true], ["true", true], [false, false], ["0", false]]
  ) {
    const { fake, provider } = await setUp();
    fake.user = { ...ada, email: "Ada@contoso.com", xms_edov };
    assert.equal((await signIn(provider, fake)).identity.email, counts ? "ada@contoso.com" : undefined);
  }
});

test("S2-62: a tenant that is configured by its domain is found by its id", async () => {
  const { fake, provider } = await setUp({ tenant: "contoso.onmicrosoft.com" });
  assert.equal((await signIn(provider, fake)).identity.subject, `${tenantId}.${oid}`);
});

test("S2-62: a user of another tenant is refused", async () => {
  const other = "22222222-2222-3333-4444-555555555555";
  const { fake, provider } = await setUp();
  fake.claims = (claims) => ({ ...claims, iss: `${authority}/${other}/v2.0`, tid: other });
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
  const { fake: pinned, provider: same } = await setUp();
  pinned.document = { issuer: `${authority}/${other}/v2.0` };
  assert.equal((await failureOf(visit(same, pinned))).kind, "broken", "the document speaks of another tenant");
});

test("S2-62: where any tenant may sign in, iss has to be that of tid, and the name is nobody's proof", async () => {
  const { fake, provider } = await setUp({ tenant: "common" });
  assert.deepEqual((await signIn(provider, fake)).identity, { subject: `${tenantId}.${oid}` });
  fake.claims = (claims) => ({ ...claims, tid: "22222222-2222-3333-4444-555555555555" });
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken", "tid of one tenant, iss of another");
});

test("S2-60: a token without oid or tid is refused", async () => {
  for (const name of ["oid", "tid"]) {
    const { fake, provider } = await setUp();
    fake.user = { ...ada, [name]: undefined };
    assert.equal((await failureOf(signIn(provider, fake))).kind, "broken", name);
  }
});

test("S2-61, S2-62: groups of the token are taken as they are, without asking Graph", async () => {
  const { fake, provider } = await setUp({ groups: true });
  fake.user = { ...ada, groups: ["group-1"] };
  assert.deepEqual((await signIn(provider, fake)).identity.groups, ["group-1"]);
  assert.ok(!fake.requests.some((line) => line.includes("transitiveMemberOf")));
});

test("S2-62: where any tenant may sign in, groups are the ids that Graph has, not the names that a tenant may choose", async () => {
  for (const groups of [true, false]) {
    const { fake, provider } = await setUp({ tenant: "common", groups });
    fake.user = { ...ada, groups: ["admins"] };
    fake.groups = ["33333333-2222-3333-4444-555555555555"];
    assert.deepEqual((await signIn(provider, fake)).identity.groups, fake.groups);
  }
});

test("S2-61, S2-62: groups that did not fit (overage) come from Graph, all pages, and roles are no groups", async () => {
  const overages = [{ hasgroups: true }, {
    _claim_names: { groups: "src1" },
    _claim_sources: { src1: { endpoint: "https://graph.windows.net/evil" } },
  }];
  for (const overage of overages) {
    const { fake, provider } = await setUp();
    fake.user = { ...ada, ...overage };
    fake.groups = Array.from({ length: 5 }, (_, index) => `group-${index}`);
    const { identity, renewal } = await signIn(provider, fake);
    assert.deepEqual(identity.groups, fake.groups);
    fake.groups = ["group-4"];
    assert.deepEqual((await renew(provider, renewal)).identity.groups, ["group-4"], "today's");
  }
});

test("S2-62: an app whose tokens have no groups claim is asked through Graph where a rule is about groups", async () => {
  const asking = await setUp({ groups: true });
  asking.fake.groups = ["group-1"];
  assert.deepEqual((await signIn(asking.provider, asking.fake)).identity.groups, ["group-1"]);
  const plain = await setUp();
  assert.equal((await signIn(plain.provider, plain.fake)).identity.groups, undefined);
});

test("S2-62: a next page on another host is not followed: the token would go there", async () => {
  const { fake, provider } = await setUp({ groups: true });
  fake.groups = ["1", "2", "3"];
  fake.nextLinkOrigin = "https://evil.example.com";
  assert.equal((await failureOf(signIn(provider, fake))).kind, "broken");
});

test("S2-62: a disabled account is refused; one of which Graph does not say is not", async () => {
  const { fake, provider } = await setUp();
  const { renewal } = await signIn(provider, fake);
  fake.accountEnabled = null;
  const again = await renew(provider, renewal);
  fake.accountEnabled = false;
  assert.equal((await failureOf(renew(provider, again.renewal))).kind, "refused");
});
